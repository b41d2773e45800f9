#!/usr/bin/env bash
# Heroku's own CLI: a pipeline, a promotion, and back.
set -u
# shellcheck source-path=SCRIPTDIR source=calls.sh
. "$(dirname "${BASH_SOURCE[0]}")/calls.sh"
export HOME=$home XDG_CACHE_HOME=$home XDG_CONFIG_HOME=$home XDG_DATA_HOME=$home HEROKU_SKIP_NEW_VERSION_CHECK=true DISABLE_TELEMETRY=true

call 'auth:whoami' '~@' heroku auth:whoami
call 'apps' '~shop-staging' heroku apps
call 'pipelines' '~shop' heroku pipelines
call 'pipelines:info' '~shop-staging' heroku pipelines:info "$(heroku pipelines --json | jq -r '.[0].name')"
call 'pipelines:promote' '~succeeded' heroku pipelines:promote --app shop-staging
call 'releases' '.[0].current' heroku releases --app shop --json
call 'releases:info' '.version > 1' heroku releases:info --app shop --json
call 'releases:rollback' '~' heroku releases:rollback --app shop
call 'releases, of the rollback' '.[0].description | startswith("Rollback to v")' heroku releases --app shop --json
call 'config' 'type == "object"' heroku config --app shop --json
call 'ps' 'type == "array"' heroku ps --app shop --json
