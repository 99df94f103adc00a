// What programs do with @kubernetes/client-node.
import assert from "node:assert/strict";
import * as k8s from "@kubernetes/client-node";

const namespace = process.env.CLIENT_NAMESPACE;
const config = new k8s.KubeConfig();
config.loadFromDefault();
const core = config.makeApiClient(k8s.CoreV1Api);
const apps = config.makeApiClient(k8s.AppsV1Api);
const custom = config.makeApiClient(k8s.CustomObjectsApi);
const objects = k8s.KubernetesObjectApi.makeApiClient(config);
const istio = { group: "networking.istio.io", version: "v1", namespace, plural: "gateways" };
const as = (type) => k8s.setHeaderOptions("Content-Type", type);

function configMap(name, data = { k: "v" }) {
  return { apiVersion: "v1", kind: "ConfigMap", metadata: { name, namespace, labels: { set: "x" } }, data };
}

async function refused(code, promise) {
  await assert.rejects(promise, (error) => (assert.equal(error.code, code), true));
}

const read = (name) => core.readNamespacedConfigMap({ name, namespace });

const operations = {
  async discover() {
    const found = await config.makeApiClient(k8s.ApisApi).getAPIVersions();
    assert(found.groups.some((g) => g.name === "serving.knative.dev"));
  },
  async create() {
    const made = await core.createNamespacedConfigMap({ namespace, body: configMap("one") });
    assert.deepEqual(made.data, { k: "v" });
    await refused(409, core.createNamespacedConfigMap({ namespace, body: configMap("one") }));
    const containers = ["a", "b"].map((name) => ({ name, image: "hauberk.local/curl" }));
    const labels = { app: "web" };
    const template = { metadata: { labels }, spec: { containers } };
    const spec = { replicas: 0, selector: { matchLabels: labels }, template };
    await apps.createNamespacedDeployment({ namespace, body: { metadata: { name: "web" }, spec } });
  },
  async get() {
    assert.equal((await read("one")).metadata.labels.set, "x");
    await refused(404, read("none"));
  },
  async pages() {
    for (let i = 0; i < 5; i++) await core.createNamespacedConfigMap({ namespace, body: configMap(`page-${i}`) });
    const names = [];
    let token;
    do {
      const query = { namespace, labelSelector: "set=x", limit: 2, _continue: token };
      const found = await core.listNamespacedConfigMap(query);
      names.push(...found.items.map((o) => o.metadata.name));
      token = found.metadata._continue;
    } while (token);
    assert.deepEqual(names, ["one", ...[0, 1, 2, 3, 4].map((i) => `page-${i}`)]);
  },
  async select() {
    const found = await core.listNamespacedConfigMap({ namespace, fieldSelector: "metadata.name=one" });
    assert.deepEqual(found.items.map((o) => o.metadata.name), ["one"]);
  },
  async watch() {
    const list = () => core.listNamespacedConfigMap({ namespace });
    const informer = k8s.makeInformer(config, `/api/v1/namespaces/${namespace}/configmaps`, list);
    const told = [];
    for (const verb of ["add", "update", "delete"])
      informer.on(verb, (o) => o.metadata.name === "seen" && told.push(verb));
    await informer.start();
    await core.createNamespacedConfigMap({ namespace, body: configMap("seen") });
    await core.patchNamespacedConfigMap({ name: "seen", namespace, body: { data: { k: "w" } } }, as(k8s.PatchStrategy.MergePatch));
    await core.deleteNamespacedConfigMap({ name: "seen", namespace });
    for (let i = 0; i < 100 && told.length < 3; i++) await new Promise((done) => setTimeout(done, 50));
    await informer.stop();
    assert.deepEqual(told, ["add", "update", "delete"]);
  },
  async update() {
    const one = await read("one");
    one.data.more = "yes";
    assert.equal((await core.replaceNamespacedConfigMap({ name: "one", namespace, body: one })).data.more, "yes");
  },
  async conflict() {
    const one = await read("one");
    const body = { data: { other: "1" } };
    await core.patchNamespacedConfigMap({ name: "one", namespace, body }, as(k8s.PatchStrategy.MergePatch));
    await refused(409, core.replaceNamespacedConfigMap({ name: "one", namespace, body: one }));
  },
  async "merge-patch"() {
    const body = { data: { other: null } };
    const found = await core.patchNamespacedConfigMap({ name: "one", namespace, body }, as(k8s.PatchStrategy.MergePatch));
    assert(!("other" in found.data));
  },
  async "json-patch"() {
    const body = [{ op: "replace", path: "/data/k", value: "patched" }];
    const found = await core.patchNamespacedConfigMap({ name: "one", namespace, body }, as(k8s.PatchStrategy.JsonPatch));
    assert.equal(found.data.k, "patched");
  },
  async "strategic-patch"() {
    const body = { spec: { template: { spec: { containers: [{ name: "b", image: "hauberk.local/sleep" }] } } } };
    const found = await apps.patchNamespacedDeployment({ name: "web", namespace, body }, as(k8s.PatchStrategy.StrategicMergePatch));
    assert.deepEqual(found.spec.template.spec.containers.map((c) => c.name), ["a", "b"]);
  },
  async apply() {
    const patch = (body, manager, force) =>
      objects.patch(body, undefined, undefined, manager, force, k8s.PatchStrategy.ServerSideApply);
    await patch(configMap("applied"), "alice", false);
    await refused(409, patch(configMap("applied", { k: "bob's" }), "bob", false));
    assert.equal((await patch(configMap("applied", { k: "bob's" }), "bob", true)).data.k, "bob's");
  },
  async scale() {
    const scale = await apps.readNamespacedDeploymentScale({ name: "web", namespace });
    scale.spec = { replicas: 1 };
    assert.equal((await apps.replaceNamespacedDeploymentScale({ name: "web", namespace, body: scale })).spec.replicas, 1);
  },
  async custom() {
    const servers = [{ port: { number: 80, name: "http", protocol: "HTTP" }, hosts: ["a.example.com"] }];
    const body = { apiVersion: "networking.istio.io/v1", kind: "Gateway", metadata: { name: "gate" } };
    await custom.createNamespacedCustomObject({ ...istio, body: { ...body, spec: { selector: { a: "b" }, servers } } });
    assert.equal((await custom.listNamespacedCustomObject(istio)).items.length, 1);
    await custom.deleteNamespacedCustomObject({ ...istio, name: "gate" });
  },
  async "dry-run"() {
    await core.createNamespacedConfigMap({ namespace, body: configMap("dry"), dryRun: "All" });
    await refused(404, read("dry"));
  },
  async delete() {
    await core.deleteNamespacedConfigMap({ name: "one", namespace });
    await refused(404, core.deleteNamespacedConfigMap({ name: "one", namespace }));
    await apps.deleteNamespacedDeployment({ name: "web", namespace, body: { propagationPolicy: "Background" } });
  },
  async "delete-many"() {
    await core.deleteCollectionNamespacedConfigMap({ namespace, labelSelector: "set=x" });
    assert.equal((await core.listNamespacedConfigMap({ namespace, labelSelector: "set=x" })).items.length, 0);
  },
};

for (const [operation, run] of Object.entries(operations)) {
  let error = "";
  try {
    await run();
  } catch (caught) {
    error = String(caught?.stack ?? caught).slice(-2000);
  }
  console.log(JSON.stringify({ operation, error }));
}
process.exit(0);
