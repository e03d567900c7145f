#!/bin/sh
# The main job, from a fresh clone: install what is missing, bring up a cluster with the shop in it, and show the whole way
# of one allowed and one forbidden request. Exit code 1 where the model and what was observed differ.
set -eu
cd "$(dirname "$0")/.."
sh scripts/setup.sh
./fairlead up -f examples/shop

failed=0
heading() { printf '\n════ %s\n\n' "$*"; }

heading "An allowed request: somebody outside of the cluster opens https://shop.example.com/"
./fairlead trace world https://shop.example.com/ --observe || failed=1
heading "… for which web asks api"
./fairlead trace deployment/shop/web http://api/ --observe || failed=1
heading "… for which api asks db-proxy, in another namespace"
./fairlead trace deployment/shop/api http://db-proxy.data/ --observe || failed=1

heading "A forbidden one: web asks db-proxy, past api"
./fairlead trace deployment/shop/web http://db-proxy.data/ --observe || failed=1

# The same page as a user of this machine sees it, through the loopback port of the Gateway's load balancer.
kubeconfig=$(./fairlead kubeconfig)
authority=$(dirname "$kubeconfig")/pki/self-signed/ca.crt
door=$(./fairlead status -o json | node_modules/node/bin/node -pe '
  const { loadBalancers } = JSON.parse(require("fs").readFileSync(0, "utf8"));
  const shop = loadBalancers.find(({ service }) => service === "shop/shop-fairlead");
  shop?.ports.find(({ port }) => port === 443)?.loopback ?? ""')
page="curl --cacert $authority --connect-to shop.example.com:443:$door https://shop.example.com/"
heading "And from this machine: the page shows its own way, from web to db-proxy"
# shellcheck disable=SC2086 # words of a command that people paste
$page --silent --show-error --max-time 10 --fail || failed=1

cat <<END

════ Try next, with  export KUBECONFIG=$kubeconfig

1. All that makes up the shop:
   kubectl get gateways,httproutes,services,pods,networkpolicies -A
2. The page once more:
   $page
3. What the Gateway's proxies say of it, a line a request:
   kubectl logs -n shop -l gateway.networking.k8s.io/gateway-name=shop
4. Take a permission away, and see what fails and why:
   kubectl delete networkpolicy -n shop api && ./fairlead trace deployment/shop/api http://db-proxy.data/ --observe
5. Put it back (npm stop removes all of it):
   ./fairlead up -f examples/shop

docs/tutorials/shop.md goes on from here.
END

if [ "$failed" = 1 ]; then
  printf '\nWhat was observed is not what the model says, or the page did not come: see above.\n' >&2
  ./fairlead status >&2 || true
fi
exit "$failed"
