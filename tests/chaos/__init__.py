"""What it costs when any process or service dies at any moment: nothing acknowledged, and nothing twice."""
