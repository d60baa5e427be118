#!/usr/bin/env bash
# Prints an environment file with fresh passwords for docker-compose.yml:
#
#   (umask 077; deploy/docker/new-env.sh >.env.local)
#   docker compose --env-file .env.local up --build
#
# Every password of the committed .env gets 128 random bits in hex, which no URL has to quote; other settings are kept.
# The umask leaves the file to you alone: the shell makes it before this script runs.
# The servers store their passwords in their volumes: use the same file for as long as you keep those.
set -euo pipefail

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)

printf '# Made by deploy/docker/new-env.sh. Keep it to yourself.\n'
while IFS='=' read -r name value; do
    case $name in
        *_PASSWORD) printf '%s=%s\n' "$name" "$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')" ;;
        '' | \#*) ;;
        *) printf '%s=%s\n' "$name" "$value" ;;
    esac
done <"$ROOT/.env"
