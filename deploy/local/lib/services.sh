# shellcheck shell=bash
# The services of the platform and what each is told by its environment. One line here makes a service known to every
# command of platform.sh. Sourced, never run.

# name:package (and binary):standard port; when the port is taken, the search goes on from ten thousand above.
# The outside world comes first, because payment and shipping are given its address.
SERVICES=(
    simulators:simulators:8090
    order:order-service:8001
    inventory:inventory-service:8002
    payment:payment-service:8003
    shipping:shipping-service:8004
    notification:notification-service:8005
    analytics:analytics-service:8006
    ai:ai-service:8007
    gateway:gateway-service:8000
)

service_names() {
    local service
    for service in "${SERVICES[@]}"; do
        printf '%s\n' "${service%%:*}"
    done
}

# service_field NAME N: 2 is the package, 3 the standard port.
service_field() {
    local service
    for service in "${SERVICES[@]}"; do
        if [[ ${service%%:*} == "$1" ]]; then
            cut -d: -f"$2" <<<"$service"
            return 0
        fi
    done
    die "there is no service '$1'" "there are: $(service_names | tr '\n' ' ')"
}

# The tunables, with the defaults of development; a variable that the caller has set wins.
tunable() {
    local name=$1 default=$2
    printf '%s=%s\n' "$name" "${!name:-$default}"
}

# A setting whose default is the service's own; handed on only when the caller has set it.
setting() {
    local name
    for name in "$@"; do
        [[ -z ${!name:-} ]] || printf '%s=%s\n' "$name" "${!name}"
    done
}

# service_environment NAME: NAME=value lines. Wants VALUES (stack.env) and URLS (service → address).
service_environment() {
    local service=$1 upper=${1^^} database broker upstream
    printf 'HTTP_ADDR=%s\n' "${URLS[$service]#http://}"
    printf 'ENVIRONMENT=development\n'
    tunable LOG_FORMAT json
    tunable TIME_SCALE 1
    if [[ $service != simulators ]]; then
        database=${VALUES[${upper}_DB_PASSWORD]}
        broker=${VALUES[${upper}_AMQP_PASSWORD]}
        printf 'DATABASE_URL=postgres://%s:%s@127.0.0.1:%s/%s\n' "$service" "$database" "${VALUES[POSTGRES_PORT]}" "$service"
        printf 'AMQP_URL=amqp://%s:%s@127.0.0.1:%s/%%2f\n' "$service" "$broker" "${VALUES[AMQP_PORT]}"
        printf 'BROKER_MANAGEMENT_URL=http://%s:%s@127.0.0.1:%s\n' "$service" "$broker" "${VALUES[MANAGEMENT_PORT]}"
        setting DATABASE_CONNECTIONS_MAX CONSUMER_PREFETCH CONSUMER_BATCH_SIZE_MAX
    fi
    case $service in
        payment)
            printf 'GATEWAY_URL=%s\n' "${URLS[simulators]}"
            printf 'GATEWAY_JOURNAL_URL=%s\n' "${URLS[simulators]}"
            tunable FRAUD_MODE observe
            tunable FRAUD_FALLBACK fail_open
            setting GATEWAY_TIMEOUT_SECONDS
            ;;
        shipping)
            printf 'CARRIER_URL=%s\n' "${URLS[simulators]}"
            setting CARRIER_TIMEOUT_SECONDS
            ;;
        notification)
            printf 'MAIL_DIRECTORY=%s\n' "$DATA/mail"
            setting SMTP_URL MAIL_FROM
            ;;
        analytics)
            printf 'REDIS_URL=%s\n' "${VALUES[REDIS_URL]}"
            setting REDIS_KEY_PREFIX MAIN_CURRENCY
            ;;
        ai)
            setting REVIEW_SCORE REJECT_SCORE REVIEW_DEADLINE_VERDICT
            ;;
        gateway)
            for upstream in order inventory payment shipping notification analytics ai; do
                printf '%s_URL=%s\n' "${upstream^^}" "${URLS[$upstream]}"
            done
            printf 'RABBITMQ_UI_URL=http://127.0.0.1:%s\n' "${VALUES[MANAGEMENT_PORT]}"
            setting FEED_RETENTION_HOURS FEED_ROWS_MAX UPSTREAM_TIMEOUT_SECONDS
            setting RECONCILER_INTERVAL_SECONDS RECONCILER_GRACE_SECONDS RECONCILER_WINDOW_HOURS RECONCILER_RESEND
            # Here the services are where they are called, so these are for whoever puts something in front of them.
            setting ORDER_PUBLIC_URL INVENTORY_PUBLIC_URL PAYMENT_PUBLIC_URL SHIPPING_PUBLIC_URL NOTIFICATION_PUBLIC_URL
            setting ANALYTICS_PUBLIC_URL AI_PUBLIC_URL
            ;;
        simulators)
            printf 'JOURNAL_PATH=%s\n' "$DATA/simulators.journal"
            printf 'SHIPPING_URL=%s\n' "${URLS[shipping]}"
            tunable PAYMENT_FAILURE_RATE 0.2
            tunable PAYMENT_SEED 1
            tunable CARRIER_DISPATCH_AFTER_SECONDS 30
            tunable CARRIER_DELIVER_AFTER_SECONDS 60
            setting SLOW_SECONDS
            ;;
    esac
}
