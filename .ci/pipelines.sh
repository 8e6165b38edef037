#!/usr/bin/env bash
# What a user would start first, run for real: the shipped pipelines and the examples.
#   .ci/pipelines.sh --list   names the checks, one a line
#   .ci/pipelines.sh NAME     runs one of them
#   .ci/pipelines.sh          runs all of them
set -uo pipefail
cd "$(dirname "$0")/.."

sluice() { node dist/cli/main.js "$@"; }

list() {
  for file in pipelines/*.yaml; do
    case "$file" in *.test.yaml | 'pipelines/*.yaml') continue ;; esac
    echo "validate $file"
  done
  echo 'test pipelines'
  echo 'run pipelines/demo.yaml'
  echo 'run examples'
}

run() {
  case "$1" in
    'validate '*) sluice validate "${1#validate }" ;;
    'test pipelines') sluice test pipelines ;;
    'run pipelines/demo.yaml') rm -rf out && SLUICE_PORT=0 timeout 60 node dist/cli/main.js run pipelines/demo.yaml && ls -l out ;;
    'run examples') timeout 200 node .ci/examples.mjs ;;
    *) echo "no such check: $1" && return 2 ;;
  esac
}

case "${1:-}" in
  --list) list ;;
  '')
    status=0
    while IFS= read -r name; do run "$name" || status=1; done < <(list)
    exit "$status"
    ;;
  *) run "$1" ;;
esac
