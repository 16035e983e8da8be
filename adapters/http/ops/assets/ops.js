// What htmx cannot be told in attributes without eval: when to leave a page alone, and to say that it is old.
(function () {
  "use strict";

  var LIVE = "[hx-trigger*='wake']";

  function isLive(element) {
    return element instanceof Element && element.matches(LIVE);
  }

  // Who cannot see a page need not have it fresh.
  document.addEventListener("htmx:beforeRequest", function (event) {
    if (document.hidden && isLive(event.detail.elt)) {
      event.preventDefault();
    }
  });

  document.addEventListener("visibilitychange", function () {
    if (!document.hidden) {
      document.querySelectorAll(LIVE).forEach(function (part) {
        htmx.trigger(part, "wake");
      });
    }
  });

  function say(isStale) {
    var stale = document.getElementById("stale");
    if (stale !== null) {
      stale.hidden = !isStale;
    }
  }

  document.addEventListener("htmx:afterRequest", function (event) {
    if (isLive(event.detail.elt)) {
      say(!event.detail.successful);
    }
  });
})();
