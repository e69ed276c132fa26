# Deploys to Kubernetes, follows a run there, and takes it away. Part of run.sh, which reads it for TARGET=kubernetes and
# for `down`; not run by itself.
# shellcheck shell=sh disable=SC2034,SC2154 # variables of run.sh: repository, scratch, mode, level, upload, replicas
#
# In the environment, besides what run.sh takes: IMAGE (what the cluster pulls, or what is built and loaded where it is a
# local one), NAMESPACE, KUBECTL (the command), HOGWILD_KEY_FILE (else a new key is made).

# The label that tells what this script deployed, and the kinds of it, for `down`.
deployed_by=hogwild.deployed-by=run.sh
deployed_kinds=statefulset,job,service,configmap,secret,serviceaccount,poddisruptionbudget,networkpolicy

kube() {
  # shellcheck disable=SC2086 # KUBECTL may be several words
  if [ -n "${NAMESPACE:-}" ]; then
    ${KUBECTL:-kubectl} --namespace "$NAMESPACE" "$@" 8>&-
  else
    ${KUBECTL:-kubectl} "$@" 8>&-
  fi
}

# The namespace that kubectl uses, for people.
namespace_name() {
  if [ -n "${NAMESPACE:-}" ]; then
    say "$NAMESPACE"
  else
    name=$(kube config view --minify --output 'jsonpath={..namespace}' 2>/dev/null) || name=
    say "${name:-default}"
  fi
}

need_kubectl() {
  command -v "${KUBECTL:-kubectl}" >/dev/null ||
    die 1 "${KUBECTL:-kubectl} is not installed: see https://kubernetes.io/docs/tasks/tools/; sh run.sh async 4 1 needs no cluster"
  # A local question and one for the API server.
  context=$(kube config current-context 2>/dev/null) ||
    die 1 'kubectl knows no cluster: set KUBECONFIG, or kubectl config use-context NAME'
  allowed=$(kube auth can-i create statefulsets.apps 2>"$scratch/kube-error") || :
  case $allowed in
    yes*) ;;
    no*) die 1 "context $context: you may not create a StatefulSet in namespace $(namespace_name); NAMESPACE names another one" ;;
    *) die 1 "context $context: the cluster does not answer: $(head -n 1 "$scratch/kube-error")" ;;
  esac
}

# ---- Image ----------------------------------------------------------------------------------------------------------

# The program that builds images here; empty where there is none.
image_builder() {
  for tool in docker podman buildah; do
    if command -v "$tool" >/dev/null; then
      say "$tool"
      return 0
    fi
  done
}

# The image as the cluster will call it. A cluster on this machine gets one that is built here.
find_image() {
  if [ -n "${IMAGE:-}" ]; then return 0; fi
  case $context in
    kind-* | minikube | k3d-*) ;;
    *)
      die 2 "IMAGE is not set. The cluster of context $context pulls from a registry: build with
  docker build -f manifests/Containerfile -t REGISTRY/hogwild:TAG . && docker push REGISTRY/hogwild:TAG
and run again with IMAGE=REGISTRY/hogwild:TAG"
      ;;
  esac
  builder=$(image_builder)
  [ -n "$builder" ] || die 1 'neither docker, podman nor buildah is installed to build the image; or set IMAGE to one that the cluster can pull'
  IMAGE=hogwild:$(date +%Y%m%d%H%M%S)
  say "Building the image $IMAGE with $builder"
  if [ "$builder" = buildah ]; then
    await buildah bud -q -f "$repository/manifests/Containerfile" -t "$IMAGE" "$repository" >/dev/null || die 1 'the image could not be built'
    await buildah push -q "$IMAGE" "docker-archive:$scratch/image.tar:$IMAGE" || die 1 'the image could not be saved'
  else
    await "$builder" build -q -f "$repository/manifests/Containerfile" -t "$IMAGE" "$repository" >/dev/null || die 1 'the image could not be built'
    await "$builder" save -o "$scratch/image.tar" "$IMAGE" || die 1 'the image could not be saved'
  fi
  say "Loading it into $context"
  case $context in
    kind-*) await kind load image-archive "$scratch/image.tar" --name "${context#kind-}" ;;
    minikube) await minikube image load "$scratch/image.tar" ;;
    k3d-*) await k3d image import "$scratch/image.tar" --cluster "${context#k3d-}" ;;
  esac || die 1 "the image could not be loaded into $context"
}

# ---- What is deployed -----------------------------------------------------------------------------------------------

# literal NAME VALUE: one setting of the ConfigMap, as a line of YAML.
literal() {
  printf '        %s: "%s"\n' "$1" "$(printf %s "$2" | sed 's/\\/\\\\/g; s/"/\\"/g')"
}

# HOGWILD_* of the environment, but for what the manifests decide.
user_settings() {
  env | sed -n 's/^\(HOGWILD_[A-Z0-9_]*\)=.*/\1/p' | sort -u | while read -r key; do
    case $key in
      HOGWILD_KEY_FILE | HOGWILD_EXPECT | HOGWILD_TRAIN | HOGWILD_TEST | HOGWILD_UPLOAD | HOGWILD_THREADS) ;;
      HOGWILD_MODE | HOGWILD_LOG_LEVEL) ;;
      HOGWILD_NAME | HOGWILD_ADVERTISE | HOGWILD_GOSSIP | HOGWILD_HTTP | HOGWILD_JOIN | HOGWILD_OUT | HOGWILD_STATE | \
        HOGWILD_CONFIG | HOGWILD_LOG_FILE | HOGWILD_HTTP_TOKEN_FILE | HOGWILD_CA_FILE | HOGWILD_INSECURE | HOGWILD_INIT)
        printf 'run.sh: %s is decided by manifests/; leave it out, or change the manifests\n' "$key" >&2
        return 2
        ;;
      *) literal "$key" "$(printenv "$key")" ;;
    esac
  done
}

# A form of manifests/secure for this run: mode, number, image, settings and a key.
write_overlay() {
  cp -R "$repository/manifests" "$scratch/manifests"
  overlay=$scratch/manifests/this-run
  mkdir "$overlay"
  (
    umask 077
    if [ -n "${HOGWILD_KEY_FILE:-}" ]; then
      cat "$HOGWILD_KEY_FILE" >"$overlay/cluster.key" || exit 1
    else
      head -c 32 /dev/urandom | base64 >"$overlay/cluster.key"
    fi
    head -c 32 /dev/urandom | base64 >"$overlay/http.token"
  ) || die 2 "HOGWILD_KEY_FILE=$HOGWILD_KEY_FILE cannot be read"
  user_settings >"$scratch/settings" || exit 2
  case $IMAGE in
    *@*) image_lines="newName: ${IMAGE%%@*}
    digest: ${IMAGE#*@}" ;;
    */*:* | *:*)
      case ${IMAGE##*/} in
        *:*) image_lines="newName: ${IMAGE%:*}
    newTag: \"${IMAGE##*:}\"" ;;
        *) image_lines="newName: $IMAGE
    newTag: latest" ;;
      esac
      ;;
    *) image_lines="newName: $IMAGE
    newTag: latest" ;;
  esac
  {
    cat <<YAML
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
labels:
  - pairs:
      ${deployed_by%%=*}: ${deployed_by#*=}
resources:
  - ../$mode
components:
  - ../components/key
generatorOptions:
  disableNameSuffixHash: true
secretGenerator:
  - name: hogwild-secrets
    files:
      - cluster.key
      - http.token
images:
  - name: hogwild
    $image_lines
replicas:
  - name: hogwild
    count: $replicas
patches:
  - patch: |-
      apiVersion: v1
      kind: ConfigMap
      metadata:
        name: hogwild
      data:
YAML
    literal HOGWILD_EXPECT "${HOGWILD_EXPECT:-$replicas}"
    literal HOGWILD_LOG_LEVEL "$level"
    literal HOGWILD_UPLOAD "$upload"
    train=${TRAIN:-${HOGWILD_TRAIN:-}}
    if [ -n "$train" ]; then
      literal HOGWILD_TRAIN "$train"
      test=${TEST:-${HOGWILD_TEST:-}}
      if [ -n "$test" ]; then literal HOGWILD_TEST "$test"; else printf '        HOGWILD_TEST: null\n'; fi
    elif [ -n "${TEST:-${HOGWILD_TEST:-}}" ]; then
      literal HOGWILD_TEST "${TEST:-$HOGWILD_TEST}"
    fi
    # One pod alone has nobody to wait for before it begins.
    if [ "$replicas" -eq 1 ]; then printf '        HOGWILD_JOIN: null\n'; fi
    cat "$scratch/settings"
    if [ -n "${HOGWILD_THREADS:-}" ]; then
      cat <<YAML
  - target:
      kind: StatefulSet
    patch: |-
      - op: replace
        path: /spec/template/spec/containers/0/resources/requests/cpu
        value: "$HOGWILD_THREADS"
YAML
    fi
    if [ -n "${DATA_CLAIM:-}" ]; then
      cat <<YAML
  - target:
      kind: StatefulSet
    patch: |-
      - op: add
        path: /spec/template/spec/containers/0/volumeMounts/-
        value: {name: data, mountPath: /data, readOnly: true}
      - op: add
        path: /spec/template/spec/volumes/-
        value: {name: data, persistentVolumeClaim: {claimName: "$DATA_CLAIM", readOnly: true}}
YAML
    fi
  } >"$overlay/kustomization.yaml"
}

# Data in pods are made up, or files of the volume at /data.
check_data() {
  for data in "${TRAIN:-${HOGWILD_TRAIN:-synth:rcv1}}" "${TEST:-${HOGWILD_TEST:-synth:rcv1}}"; do
    case $data in
      synth:*) ;;
      /data/* | lyrl2004:/data/*)
        [ -n "${DATA_CLAIM:-}" ] || die 2 "$data: DATA_CLAIM names the PersistentVolumeClaim that pods mount at /data"
        ;;
      *) die 2 "$data: pods do not see this machine's files; put it on a volume, name its claim with DATA_CLAIM, and the file as /data/FILE" ;;
    esac
  done
}

# ---- Following ------------------------------------------------------------------------------------------------------

# Lines of all pods into a file for each: [pod/hogwild-3/hogwild] LINE.
split_lines() {
  awk -v directory="$scratch" '
    /^\[pod\/hogwild-[0-9]+\/hogwild\] / {
      split($1, part, "/")
      file = directory "/" part[2] ".log"
      sub(/^[^ ]* /, "")
      print >>file
      fflush(file)
    }'
}

# Until each pod has told its result. A log that ends (a pod was restarted, the connection broke) is taken up again.
follow_run() {
  since=--tail=-1
  while :; do
    mkfifo "$scratch/pod-lines" 2>/dev/null || :
    kube logs --follow --prefix --max-log-requests=1000 "$since" --container=hogwild \
      --selector="app.kubernetes.io/name=hogwild,$deployed_by" >"$scratch/pod-lines" 2>"$scratch/kube-error" </dev/null &
    pid_logs=$!
    split_lines <"$scratch/pod-lines" &
    pid_split=$!
    while is_running "$pid_logs"; do
      if all_have_results; then break; fi
      sleep 0.5
    done
    kill "$pid_logs" 2>/dev/null || :
    wait "$pid_logs" 2>/dev/null || :
    wait "$pid_split" 2>/dev/null || :
    if all_have_results; then return 0; fi
    pods=$(kube get pods --selector="app.kubernetes.io/name=hogwild,$deployed_by" --output=name 2>/dev/null) || pods=unknown
    [ -n "$pods" ] || die 1 'the pods are gone: somebody took the run away'
    since=--since=5s
    sleep 1
  done
}

refuse_second_deployment() {
  found=$(kube get statefulset,job hogwild --ignore-not-found --output=name) || die 1 "kubectl get failed in namespace $(namespace_name)"
  [ -z "$found" ] || die 1 "namespace $(namespace_name) has $(say "$found" | tr '\n' ' ')already: sh run.sh down takes away what run.sh deployed; NAMESPACE names another place"
}

deploy() { # REPLICAS
  pods_wanted=$1
  need_kubectl
  check_data
  find_image
  refuse_second_deployment
  replicas=$pods_wanted
  write_overlay
  out=$scratch/none
  space=
  if [ -n "${NAMESPACE:-}" ]; then space=" --namespace $NAMESPACE"; fi
  say "Deploying $replicas pods of $IMAGE to context $context, namespace $(namespace_name); upload: $upload"
  kube apply --kustomize "$overlay" || die 1 'kubectl apply failed; sh run.sh down takes away what it had made'
  say "Ask them:            kubectl$space port-forward service/hogwild-http 7421:7421   and   curl localhost:7421/"
  say "More pods, or fewer: kubectl$space scale statefulset hogwild --replicas=N"
  say 'Take all away:       sh run.sh down'
  if ! kube rollout status statefulset/hogwild --timeout="${ROLLOUT_TIMEOUT:-10m}"; then
    kube get pods --selector="app.kubernetes.io/name=hogwild,$deployed_by" || :
    kube logs --prefix --tail=3 --container=hogwild --selector="app.kubernetes.io/name=hogwild,$deployed_by" || :
    die 1 'not all pods became ready; what was deployed is still there (sh run.sh down takes it away)'
  fi
  number=1
  while [ "$number" -le "$replicas" ]; do
    : >>"$scratch/hogwild-$((number - 1)).log"
    ln -s "hogwild-$((number - 1)).log" "$scratch/node-$number.log"
    number=$((number + 1))
  done
  log_prefix=hogwild-
  first_log=0
  start_display
  follow_run
  stop_display
  show_result
  say "The pods go on serving the result; sh run.sh down takes them away"
}

take_down() {
  need_kubectl
  say "Taking away what run.sh deployed to context $context, namespace $(namespace_name)"
  kube delete "$deployed_kinds" --selector="$deployed_by" --ignore-not-found --wait=true --timeout=120s ||
    die 1 'kubectl delete failed; run it again'
}
