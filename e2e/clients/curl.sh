#!/usr/bin/env bash
# The commands of Heroku's document on its Platform API, as they stand there: curl reads
# the token from ~/.netrc (-n). Only the address is another.
set -u
# shellcheck source-path=SCRIPTDIR source=calls.sh
. "$(dirname "${BASH_SOURCE[0]}")/calls.sh"

export HOME=$home
host=${HEROKU_HOST#http://}
printf 'machine %s\n  login you@example.com\n  password %s\n' "${host%:*}" "$HEROKU_API_KEY" >"$HOME/.netrc"
chmod 600 "$HOME/.netrc"

json=(-H 'Content-Type: application/json' -H 'Accept: application/vnd.heroku+json; version=3')

call 'App List' 'map(.name) | contains(["shop", "shop-staging"])' curl -sS -n "$HEROKU_HOST/apps" -H 'Accept: application/vnd.heroku+json; version=3'
staging=$(jq -r '.[] | select(.name == "shop-staging").id' <<<"$last")
production=$(jq -r '.[] | select(.name == "shop").id' <<<"$last")
call 'Pipeline List' 'length == 1' curl -sS -n "$HEROKU_HOST/pipelines" -H 'Accept: application/vnd.heroku+json; version=3'
pipeline=$(jq -r '.[0].id' <<<"$last")
call 'Pipeline Coupling List By Pipeline' 'map(.stage) | contains(["production"])' curl -sS -n "$HEROKU_HOST/pipelines/$pipeline/pipeline-couplings" -H 'Accept: application/vnd.heroku+json; version=3'
call 'Pipeline Promotion Create' '.status == "pending"' curl -sS -n -X POST "$HEROKU_HOST/pipeline-promotions" -d '{
  "pipeline": {
    "id": "'"$pipeline"'"
  },
  "source": {
    "app": {
      "id": "'"$staging"'"
    }
  },
  "targets": [
    {
      "app": {
        "id": "'"$production"'"
      }
    }
  ]
}' "${json[@]}"
promotion=$(jq -r .id <<<"$last")
for _ in 1 2 3 4; do
  curl -sS -n "$HEROKU_HOST/pipeline-promotions/$promotion" -H 'Accept: application/vnd.heroku+json; version=3' >/dev/null
done
call 'Pipeline Promotion Info' '.status == "completed"' curl -sS -n "$HEROKU_HOST/pipeline-promotions/$promotion" -H 'Accept: application/vnd.heroku+json; version=3'
call 'Pipeline Promotion Target List' '.[0].status == "succeeded"' curl -sS -n "$HEROKU_HOST/pipeline-promotions/$promotion/promotion-targets" -H 'Accept: application/vnd.heroku+json; version=3'
call 'Release List' '.[0] | has("eligible_for_rollback")' curl -sS -n "$HEROKU_HOST/apps/shop/releases" -H 'Accept: application/vnd.heroku+json; version=3'
first=$(jq -r 'map(select(.eligible_for_rollback))[0].id' <<<"$last")
call 'Release Info' '.version == 1 or .version > 1' curl -sS -n "$HEROKU_HOST/apps/shop/releases/$first" -H 'Accept: application/vnd.heroku+json; version=3'
call 'Release Rollback' '.description | startswith("Rollback to v")' curl -sS -n -X POST "$HEROKU_HOST/apps/shop/releases" -d '{
  "release": "'"$first"'"
}' "${json[@]}"
call 'Dyno List' 'type == "array"' curl -sS -n "$HEROKU_HOST/apps/shop/dynos" -H 'Accept: application/vnd.heroku+json; version=3'
