#!/usr/bin/env bash
# gcloud: a pipeline of Cloud Deploy from its own file, a promotion and back, and deployments of
# Deployment Manager, Infrastructure Manager and Cloud Run.
set -u
# shellcheck source-path=SCRIPTDIR source=calls.sh
. "$(dirname "${BASH_SOURCE[0]}")/calls.sh"
export CLOUDSDK_CONFIG=$home/config CLOUDSDK_CORE_DISABLE_PROMPTS=1 CLOUDSDK_COMPONENT_MANAGER_DISABLE_UPDATE_CHECK=1
deploy() { gcloud deploy "$@" --project=shop-1234 --region=europe-west1 --format=json --quiet; }

call 'deploy delivery-pipelines list' 'length == 1' deploy delivery-pipelines list
call 'deploy targets list' '~targets/prod' deploy targets list
call 'deploy releases list' 'length > 0' deploy releases list --delivery-pipeline=run
newest=$(jq -r 'sort_by(.createTime)[-1].name | split("/")[-1]' <<<"$last")
call 'deploy releases promote' '.targetId == "prod"' deploy releases promote --release="$newest" --to-target=prod --rollout-id=r1 --delivery-pipeline=run
for _ in $(seq 15); do # its jobs succeed before it
  sleep 1
  deploy rollouts describe r1 --release="$newest" --delivery-pipeline=run 2>"$complaints" | jq -e '.state == "SUCCEEDED"' >"$complaints" && break
done
call 'deploy rollouts describe' '.state == "SUCCEEDED"' deploy rollouts describe r1 --release="$newest" --delivery-pipeline=run
call 'deploy targets rollback' '.rollbackOfRollout != null or .targetId == "prod" or .rollout != null' deploy targets rollback prod --delivery-pipeline=run
cat >"$home/apply.yaml" <<'Y'
apiVersion: deploy.cloud.google.com/v1
kind: DeliveryPipeline
metadata: {name: more}
serialPipeline: {stages: [{targetId: more}]}
---
apiVersion: deploy.cloud.google.com/v1
kind: Target
metadata: {name: more}
run: {location: projects/shop-1234/locations/europe-west1}
Y
call 'deploy apply' '~' deploy apply --file="$home/apply.yaml"
call 'deploy delivery-pipelines describe, of what was applied' '.. | objects | select(.name? // "" | endswith("deliveryPipelines/more"))' deploy delivery-pipelines describe more
sed -i 's/name: more}$/name: more, labels: {team: shop}}/' "$home/apply.yaml"
call 'deploy apply, again and changed' '~' deploy apply --file="$home/apply.yaml"
call 'deploy targets describe, of what was changed' '.. | objects | select(.labels?.team? == "shop")' deploy targets describe more

printf 'resources: []\n' >"$home/net.yaml"
manager() { gcloud deployment-manager "$@" --project=shop-1234 --format=json --quiet; }
call 'deployment-manager deployments list' 'length == 2' manager deployments list
call 'deployment-manager deployments describe' '.deployment.name == "net"' manager deployments describe net
call 'deployment-manager operations list' 'length > 0' manager operations list
call 'deployment-manager resources list' 'type == "array"' manager resources list --deployment net
call 'deployment-manager manifests list' 'length > 0' manager manifests list --deployment net
call 'deployment-manager deployments update --preview' '~' manager deployments update net --preview --config="$home/net.yaml"
sleep 6
call 'deployment-manager deployments cancel-preview' '~' manager deployments cancel-preview net

call 'infra-manager deployments list' 'length == 2' gcloud infra-manager deployments list --project=shop-1234 --location=europe-west1 --format=json --quiet
call 'infra-manager deployments describe' '.state == "ACTIVE"' gcloud infra-manager deployments describe net --project=shop-1234 --location=europe-west1 --format=json --quiet
