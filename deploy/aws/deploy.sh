#!/usr/bin/env bash
# The shop on AWS, from a checkout of the version to run. README.md tells the first time, step by step.
#
#   deploy.sh init BUCKET          where the state of Terraform is kept: a private, versioned S3 bucket
#   deploy.sh plan                 what `apply` would change
#   deploy.sh apply                network, database, balancer, alarms; what runs stays what it is
#   deploy.sh secrets FILE         put the secrets of FILE (NAME=value, as an .env) in place
#   deploy.sh roll-out             build, push, migrate, roll out, smoke-test; goes back by itself when that fails
#   deploy.sh roll-back IMAGE      run this image again, named by digest; migrations stay
#   deploy.sh smoke                the smoke test alone
#   deploy.sh run COMMAND...       one command in a task of its own, such as `python manage.py doctor`
#
# DRY_RUN=1 says each command that would change something, and does none of them. TERRAFORM=tofu for OpenTofu.
# BASE=python@sha256:... builds on that very base; the image's label base.name says which one a former build took.
# It needs aws (signed in), docker, terraform or tofu, jq and curl.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source_tree=$(cd "$here/../.." && pwd)
terraform=${TERRAFORM:-terraform}
smoke_seconds=${SMOKE_SECONDS:-180}

fail() { printf '%s\n' "$1" >&2; exit 1; }
say() { printf '== %s\n' "$1" >&2; }
act() { # act <command>...: do what changes something, or say it
    if [ -n "${DRY_RUN:-}" ]; then printf '%s\n' "$*" >&2; else "$@"; fi
}
tf() { "$terraform" -chdir="$here" "$@"; }
output() { tf output -json "$1" | jq -er "${2:-.}"; }
running_image() { output image 2>/dev/null || true; } # empty before the first roll-out
apply() { act tf apply -input=false -auto-approve -var "image=$1" -var "migrate_image=$2"; } # apply <runs> <migrates>

base_by_digest() { # what the image is built on: BASE, or today's python:3.11-slim, named so that it is found again
    if [ -n "${BASE:-}" ]; then printf '%s\n' "$BASE"; return; fi
    act docker pull --quiet --platform linux/amd64 python:3.11-slim >&2
    if [ -n "${DRY_RUN:-}" ]; then echo python@sha256:of-the-pull; return; fi
    docker image inspect --format '{{index .RepoDigests 0}}' python:3.11-slim
}

build_and_push() { # the pushed image by digest, on standard output
    local url registry tag digest base
    url=$(output repository_url)
    registry=${url%%/*}
    [ -z "$(git -C "$source_tree" status --porcelain --untracked-files=no)" ] ||
        fail "There are changes that are in no commit: what runs must be found again."
    tag=$(git -C "$source_tree" rev-parse HEAD)
    say "Build and push $tag"
    if ! aws ecr describe-images --repository-name "${url#*/}" --image-ids "imageTag=$tag" >/dev/null 2>&1; then
        base=$(base_by_digest)
        act docker build --platform linux/amd64 --build-arg "BASE=$base" --label "org.opencontainers.image.base.name=$base" \
            --label "org.opencontainers.image.revision=$tag" --tag "$url:$tag" "$source_tree" >&2
        aws ecr get-login-password | act docker login --username AWS --password-stdin "$registry" >&2
        act docker push "$url:$tag" >&2
    fi
    [ -z "${DRY_RUN:-}" ] || { printf '%s@sha256:of-the-push\n' "$url"; return; }
    digest=$(aws ecr describe-images --repository-name "${url#*/}" --image-ids "imageTag=$tag" \
        --query 'imageDetails[0].imageDigest' --output text)
    printf '%s@%s\n' "$url" "$digest"
}

run_once() { # run_once <task definition> [command...]: in a task of its own; fails when the command does
    local name=$1 tasks cluster task code request
    shift
    tasks=$(output tasks)
    cluster=$(output cluster)
    request=$(jq -cn --argjson t "$tasks" --arg cluster "$cluster" --arg name "$name" '{
        cluster: $cluster, taskDefinition: $t.definitions[$name], launchType: "FARGATE", startedBy: "deploy.sh",
        networkConfiguration: {awsvpcConfiguration: {subnets: $t.subnets, securityGroups: $t.security_groups,
            assignPublicIp: (if $t.has_public_ip then "ENABLED" else "DISABLED" end)}},
        overrides: {containerOverrides: (if $ARGS.positional == [] then [] else
            [{name: $name, command: $ARGS.positional}] end)}}' --args "$@")
    if [ -n "${DRY_RUN:-}" ]; then act aws ecs run-task --cli-input-json "$request"; return; fi
    task=$(aws ecs run-task --cli-input-json "$request" --query 'tasks[0].taskArn' --output text)
    case "$task" in '' | None) fail "The task did not start." ;; esac
    aws ecs wait tasks-stopped --cluster "$cluster" --tasks "$task"
    code=$(aws ecs describe-tasks --cluster "$cluster" --tasks "$task" \
        --query 'tasks[0].containers[0].exitCode' --output text)
    aws logs get-log-events --log-group-name "/$cluster" --log-stream-name "$name/$name/${task##*/}" \
        --start-from-head --query 'events[].message' --output json | jq -r '.[]' >&2 || true
    [ "$code" = 0 ] # also not when it never started: the code is None then
}

smoke() { # the shop answers, is well, and lists its events
    local url until
    url=$(output site_url)
    say "Smoke test of $url"
    if [ -n "${DRY_RUN:-}" ]; then act curl "$url/health"; return; fi
    until=$((SECONDS + smoke_seconds))
    until curl --fail --silent --max-time 10 "$url/health" | jq -e '.status == "ok"' >/dev/null; do
        [ $SECONDS -lt $until ] || { printf 'Not well: %s\n' "$(curl -s --max-time 10 "$url/health")" >&2; return 1; }
        sleep 5
    done
    curl --fail --silent --max-time 10 "$url/" >/dev/null &&
        curl --fail --silent --max-time 10 "$url/api/events" | jq -e '.results | type == "array"' >/dev/null
}

roll_out() {
    local before after
    before=$(running_image)
    after=$(build_and_push)
    say "Migrate"
    apply "$before" "$after"
    run_once migrate || fail "The migration failed; ${before:-nothing} still runs."
    say "Roll out $after"
    if apply "$after" "$after" && smoke; then
        say "Runs: $after"
    elif [ -n "$before" ]; then
        say "It failed: back to $before"
        apply "$before" "$before"
        smoke || fail "The former version is back, and is not well either."
        fail "The new version failed; the former one runs again."
    else
        fail "It failed, and there is no former version to go back to."
    fi
}

put_secrets() { # put_secrets <file>: every secret the shop needs must be there
    local wanted given missing
    [ -r "$1" ] || fail "There is no file $1 to read."
    wanted=$(output secret_names)
    given=$(jq -Rn --argjson wanted "$wanted" '[inputs | capture("^(?<key>[A-Z_]+)=(?<value>.+)$")
        | select(.key as $key | $wanted | index([$key]))] | from_entries' <"$1")
    missing=$(jq -rn --argjson wanted "$wanted" --argjson given "$given" '$wanted - ($given | keys) | join(", ")')
    [ -z "$missing" ] || fail "$1 lacks $missing."
    say "Put $(jq length <<<"$given") secrets in place; roll out for them to be used"
    # By a file descriptor: what is on a command line can be read by everybody on this machine.
    act aws secretsmanager put-secret-value --secret-id "$(output secret_arn)" \
        --secret-string file:///dev/stdin <<<"$given" >/dev/null
}

case "${1:-}" in
    init) [ $# = 2 ] || fail "deploy.sh init BUCKET"
        act tf init -backend-config="bucket=$2" -backend-config="region=${AWS_REGION:?such as eu-central-1}" ;;
    plan) image=$(running_image); tf plan -var "image=$image" -var "migrate_image=$image" ;;
    apply) image=$(running_image); apply "$image" "$image" ;;
    secrets) [ $# = 2 ] || fail "deploy.sh secrets FILE"; put_secrets "$2" ;;
    roll-out) roll_out ;;
    roll-back) [[ "${2:-}" == *@sha256:* ]] || fail "deploy.sh roll-back IMAGE, by its digest"
        say "Back to $2"; apply "$2" "$2"; smoke ;;
    smoke) smoke ;;
    run) shift; [ $# -gt 0 ] || fail "deploy.sh run COMMAND..."; run_once audit "$@" ;;
    *) sed -n '2,15s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"; exit 2 ;;
esac
