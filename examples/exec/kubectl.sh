#!/bin/sh
# A Deployment of Kubernetes: a driver for sluice in the protocol of docs/exec.md.
#
# A resource is NAMESPACE/DEPLOYMENT, a release the image of its first container, by
# digest. It needs kubectl, jq, and crane, which tells when an image was built; KUBECONFIG
# says which cluster: list it in exec.environment.
# shellcheck disable=SC2016 # what stands in single quotes are programs of jq
set -eu

request=$(cat)
ask() { printf '%s' "$request" | jq -r "$1"; }
answer() { jq -cn "$@" | jq -c '{protocol: "sluice.exec/v1"} + .'; }

# refuse CODE MESSAGE REMEDY
refuse() {
  answer --arg code "$1" --arg message "$2" --arg remedy "$3" '{error: {$code, $message, $remedy}}'
  exit 0
}

# failed says what went wrong by what kubectl printed, which is in $said.
failed() {
  case $said in
    *NotFound* | *"not found"*) refuse notFound "$said" "check exec.resource: it is NAMESPACE/DEPLOYMENT" ;;
    *Forbidden* | *Unauthorized* | *"must be logged in"*) refuse denied "$said" "allow it get, list and patch of deployments and replicasets in the namespace" ;;
    *TooManyRequests* | *"Too Many Requests"*) refuse retryable "$said" "" ;;
    *) refuse unknown "$said" "" ;;
  esac
}

operation=$(ask .operation)
resource=$(ask '.target.resource // ""')
namespace=${resource%%/*}
name=${resource#*/}

deployment() { kubectl --namespace "$namespace" get deployment "$name" --output json; }

# Complete is what `kubectl rollout status` waits for.
complete='(.status.observedGeneration // 0) >= .metadata.generation
  and (.status.updatedReplicas // 0) >= .spec.replicas
  and (.status.replicas // 0) <= (.status.updatedReplicas // 0)
  and (.status.availableReplicas // 0) >= (.status.updatedReplicas // 0)'
image='.spec.template.spec.containers[0].image'

live() {
  said=$(deployment 2>&1) || failed
  now=$said
  if [ "$(printf '%s' "$now" | jq "$complete")" = true ]; then
    printf '%s' "$now" | jq -c "{protocol: \"sluice.exec/v1\", release: {id: $image},
      state: {image: $image, revision: .metadata.annotations[\"deployment.kubernetes.io/revision\"]}}"
    return
  fi
  # Until it is complete, what had the traffic is the oldest ReplicaSet that is ready.
  said=$(kubectl --namespace "$namespace" get replicasets --output json 2>&1) || failed
  printf '%s' "$said" | jq -c --arg name "$name" --argjson now "$now" "
    [.items[] | select(any(.metadata.ownerReferences[]?; .name == \$name) and (.status.readyReplicas // 0) > 0)]
    | sort_by(.metadata.annotations[\"deployment.kubernetes.io/revision\"] | tonumber)
    | {protocol: \"sluice.exec/v1\",
       release: (if length == 0 then null else {id: (.[0] | $image)} end),
       pending: {id: (\$now | $image)},
       state: {image: (\$now | $image), revision: (\$now.metadata.annotations[\"deployment.kubernetes.io/revision\"])}}"
}

resolve() {
  wanted=$(ask .name)
  case $wanted in
    *@sha256:*) ;;
    *) refuse invalid "$wanted is no image by digest" "name one with its digest (--release registry.example/shop@sha256:…)" ;;
  esac
  if ! said=$(crane config "$wanted" 2>&1); then
    case $said in
      *UNKNOWN* | *"404"*) refuse notFound "$said" "push the image, or name another" ;;
      *) refuse unknown "$said" "" ;;
    esac
  fi
  answer --arg id "$wanted" --argjson config "$said" '{release: {$id, createTime: $config.created}}'
}

# The image is replaced only where the one that was read is still there.
begin() {
  from=$(ask .effect.before.image)
  to=$(ask .effect.release.id)
  path=/spec/template/spec/containers/0/image
  patch=$(jq -cn --arg path "$path" --arg from "$from" --arg to "$to" \
    '[{op: "test", $path, value: $from}, {op: "replace", $path, value: $to}]')
  if said=$(kubectl --namespace "$namespace" patch deployment "$name" --type=json --patch "$patch" 2>&1); then
    answer --arg workId "$to" '{status: "running", $workId, wait: "2s"}'
    return
  fi
  why=$said
  if said=$(deployment 2>&1) && [ "$(printf '%s' "$said" | jq -r "$image")" != "$from" ] &&
    [ "$(printf '%s' "$said" | jq -r "$image")" != "$to" ]; then
    answer --arg message "$why" '{error: {code: "retryable", stale: true, $message}}'
    return
  fi
  said=$why
  failed
}

poll() {
  said=$(deployment 2>&1) || failed
  printf '%s' "$said" | jq -c "{protocol: \"sluice.exec/v1\"} +
    if $complete then {status: \"succeeded\"}
    else ([.status.conditions[]? | select(.type == \"Progressing\" and .reason == \"ProgressDeadlineExceeded\")] as \$late
      | if (\$late | length) > 0 then {status: \"failed\", errors: [{code: \$late[0].reason, message: \$late[0].message}]}
        else {status: \"running\", workId: $image, wait: \"5s\"} end) end"
}

case $operation in
  describe) answer '{kinds: ["deploy", "rollback"], settle: "5s"}' ;;
  live | resolve | begin | poll) "$operation" ;;
  *) refuse unsupported "this does not $operation" "" ;;
esac
