{{- define "order-service.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 40 | trimSuffix "-" -}}
{{- end -}}

{{- define "order-service.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" -}}
{{- else if contains (include "order-service.name" .) .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name (include "order-service.name" .) | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- /* Of (dict "root" $ "role" "api"): what a pod of the role is found by. */ -}}
{{- define "order-service.selector" -}}
app.kubernetes.io/name: {{ include "order-service.name" .root }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .role | kebabcase }}
{{- end -}}

{{- define "order-service.labels" -}}
{{ include "order-service.selector" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" }}
{{- end -}}

{{- /* The roles that are wanted, by name. */ -}}
{{- define "order-service.roles" -}}
{{- range $role, $values := .Values.roles -}}
{{- if $values.enabled }}{{ $role }} {{ end -}}
{{- end -}}
{{- end -}}

{{- /* What each role talks to; the network policies let it do that alone. */ -}}
{{- define "order-service.needs" -}}
api: [postgresql, redis, kafka]
relay: [postgresql, kafka]
consumer: [postgresql, redis, kafka]
worker: [postgresql, redis]
scheduler: [postgresql, redis, kafka]
queuePage: [redis]
migrate: [postgresql]
{{- end -}}

{{- /* The settings that are no secrets, as a map. */ -}}
{{- define "order-service.settings" -}}
{{- $values := .Values -}}
{{- $secret := $values.secrets.keys -}}
{{- if not (or $values.postgresql.host (hasKey $secret "DATABASE_URL")) -}}
{{- fail "Set postgresql.host, or DATABASE_URL in secrets.keys." -}}
{{- end -}}
{{- if not (or $values.redis.host (hasKey $secret "REDIS_URL")) -}}
{{- fail "Set redis.host, or REDIS_URL in secrets.keys." -}}
{{- end -}}
{{- $files := "/run/certificates" -}}
APP_HOST: 0.0.0.0
APP_PORT: "8010"
METRICS_HOST: 0.0.0.0
METRICS_PORT: "9464"
{{- if not (hasKey $secret "DATABASE_URL") }}
POSTGRES_HOST: {{ $values.postgresql.host | quote }}
POSTGRES_PORT: {{ $values.postgresql.port | quote }}
POSTGRES_DB: {{ $values.postgresql.database | quote }}
POSTGRES_USER: {{ $values.postgresql.user | quote }}
{{- end }}
POSTGRES_POOL_SIZE: {{ $values.postgresql.poolSize | quote }}
{{- with $values.postgresql.sslMode }}
POSTGRES_SSLMODE: {{ . | quote }}
{{- end }}
{{- with $values.postgresql.caFile }}
POSTGRES_SSL_CA_FILE: {{ printf "%s/%s" $files . | quote }}
{{- end }}
{{- with $values.postgresql.certFile }}
POSTGRES_SSL_CERT_FILE: {{ printf "%s/%s" $files . | quote }}
{{- end }}
{{- with $values.postgresql.keyFile }}
POSTGRES_SSL_KEY_FILE: {{ printf "%s/%s" $files . | quote }}
{{- end }}
{{- if not (hasKey $secret "REDIS_URL") }}
REDIS_HOST: {{ $values.redis.host | quote }}
REDIS_PORT: {{ $values.redis.port | quote }}
REDIS_DB: {{ $values.redis.db | quote }}
{{- with $values.redis.user }}
REDIS_USER: {{ . | quote }}
{{- end }}
{{- if $values.redis.tls }}
REDIS_TLS: "true"
{{- end }}
{{- end }}
{{- with $values.redis.caFile }}
REDIS_CA_FILE: {{ printf "%s/%s" $files . | quote }}
{{- end }}
KAFKA_BOOTSTRAP_SERVERS: {{ required "Set kafka.bootstrapServers." $values.kafka.bootstrapServers | quote }}
KAFKA_TOPIC: {{ $values.kafka.topic | quote }}
KAFKA_PAYMENTS_TOPIC: {{ $values.kafka.paymentsTopic | quote }}
KAFKA_SHIPMENTS_TOPIC: {{ $values.kafka.shipmentsTopic | quote }}
KAFKA_SECURITY_PROTOCOL: {{ $values.kafka.securityProtocol | quote }}
{{- with $values.kafka.saslMechanism }}
KAFKA_SASL_MECHANISM: {{ . | quote }}
{{- end }}
{{- with $values.kafka.user }}
KAFKA_USER: {{ . | quote }}
{{- end }}
{{- with $values.kafka.caFile }}
KAFKA_CA_FILE: {{ printf "%s/%s" $files . | quote }}
{{- end }}
{{- range $name, $key := $secret }}
{{ $name }}_FILE: /run/secrets/order-service/{{ $name }}
{{- end }}
{{- with $values.secrets.signingKeys }}
{{- $paths := list }}
{{- range . }}
{{- $paths = append $paths (printf "/run/secrets/order-service/%s" .) }}
{{- end }}
SIGNING_KEY_FILES: {{ join "," $paths | quote }}
{{- end }}
{{- range $name, $value := $values.settings }}
{{ $name }}: {{ $value | toString | quote }}
{{- end }}
{{- end -}}

{{- /* Of (dict "root" $ "role" "api" "values" its "command" [...]): a pod's spec, without probes and restartPolicy. */ -}}
{{- define "order-service.pod" -}}
{{- $values := .root.Values -}}
serviceAccountName: {{ include "order-service.fullname" .root }}{{ if eq .role "migrate" }}-migrate{{ end }}
automountServiceAccountToken: false
enableServiceLinks: false
{{- with $values.imagePullSecrets }}
imagePullSecrets: {{- toYaml . | nindent 2 }}
{{- end }}
securityContext:
  runAsNonRoot: true
  runAsUser: 10001
  runAsGroup: 10001
  fsGroup: 10001
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile:
    type: RuntimeDefault
{{- with $values.nodeSelector }}
nodeSelector: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.tolerations }}
tolerations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.affinity }}
affinity: {{- toYaml . | nindent 2 }}
{{- end }}
volumes:
  - name: tmp
    emptyDir:
      sizeLimit: 64Mi
  - name: secrets
    secret:
      secretName: {{ required "Set secrets.existingSecret to the name of a Secret with secret-key and postgres-password." $values.secrets.existingSecret | quote }}
      defaultMode: 0440
      items:
        {{- range $name, $key := $values.secrets.keys }}
        - key: {{ $key | quote }}
          path: {{ $name }}
        {{- end }}
        {{- range $values.secrets.signingKeys }}
        - key: {{ . | quote }}
          path: {{ . | quote }}
        {{- end }}
  {{- with $values.certificates.existingSecret }}
  - name: certificates
    secret:
      secretName: {{ . | quote }}
      defaultMode: 0440
  {{- end }}
containers:
  - name: {{ .role | kebabcase }}
    image: "{{ $values.image.repository }}:{{ $values.image.tag | default .root.Chart.AppVersion }}"
    imagePullPolicy: {{ $values.image.pullPolicy }}
    command: {{- toYaml .command | nindent 6 }}
    {{- with .values.args }}
    args: {{- toYaml . | nindent 6 }}
    {{- end }}
    env:
      {{- range $name, $value := include "order-service.settings" .root | fromYaml }}
      - name: {{ $name }}
        value: {{ $value | quote }}
      {{- end }}
    securityContext:
      allowPrivilegeEscalation: false
      readOnlyRootFilesystem: true
      capabilities:
        drop: [ALL]
    resources: {{- toYaml .values.resources | nindent 6 }}
    volumeMounts:
      - name: tmp
        mountPath: /tmp
      - name: secrets
        mountPath: /run/secrets/order-service
        readOnly: true
      {{- if $values.certificates.existingSecret }}
      - name: certificates
        mountPath: /run/certificates
        readOnly: true
      {{- end }}
{{- end -}}

{{- /* Of a role: how the kubelet sees that it is well. The queue's page answers at its own port alone. */ -}}
{{- define "order-service.probes" -}}
{{- $isPage := eq . "queuePage" -}}
{{- $port := ternary "http" "metrics" $isPage -}}
ports:
  {{- if or $isPage (eq . "api") }}
  - name: http
    containerPort: 8010
  {{- end }}
  {{- if not $isPage }}
  - name: metrics
    containerPort: 9464
  {{- end }}
startupProbe:
  httpGet: { path: /livez, port: {{ $port }} }
  periodSeconds: 2
  timeoutSeconds: 2
  failureThreshold: 30
livenessProbe:
  httpGet: { path: /livez, port: {{ $port }} }
  periodSeconds: 10
  timeoutSeconds: 5
readinessProbe:
  {{- if eq . "api" }}
  httpGet: { path: /readyz, port: http }
  periodSeconds: 5
  {{- else if $isPage }}
  httpGet: { path: /livez, port: http }
  periodSeconds: 5
  {{- else }}
  httpGet: { path: /readyz, port: metrics }
  periodSeconds: 20
  {{- end }}
  timeoutSeconds: 4
{{- end -}}

{{- /* Of (dict "root" $ "role" "api"): so that a Prometheus that goes by annotations finds the pod. */ -}}
{{- define "order-service.annotations" -}}
{{- $annotations := .root.Values.podAnnotations -}}
{{- if and .root.Values.monitoring.annotations (ne .role "queuePage") -}}
{{- $scraped := dict "prometheus.io/scrape" "true" "prometheus.io/port" "9464" "prometheus.io/path" "/metrics" -}}
{{- $annotations = merge (deepCopy $annotations) $scraped -}}
{{- end -}}
{{- if $annotations }}{{ toYaml $annotations }}{{ end -}}
{{- end -}}
