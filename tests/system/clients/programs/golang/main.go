// What programs do with client-go.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"reflect"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/dynamic/dynamicinformer"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/clientcmd"
)

var (
	ctx       = context.Background()
	namespace = os.Getenv("CLIENT_NAMESPACE")
	found     discovery.DiscoveryInterface
	client    dynamic.Interface
	maps      dynamic.ResourceInterface
	deploys   dynamic.ResourceInterface
	gateways  dynamic.ResourceInterface
)

type object = map[string]any

func configMap(name string) *unstructured.Unstructured {
	meta := object{"name": name, "namespace": namespace, "labels": object{"set": "x"}}
	return &unstructured.Unstructured{Object: object{
		"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": object{"k": "v"}}}
}

func deployment(name string) *unstructured.Unstructured {
	container := func(name string) object { return object{"name": name, "image": "hauberk.local/curl"} }
	labels := object{"app": name}
	return &unstructured.Unstructured{Object: object{
		"apiVersion": "apps/v1", "kind": "Deployment",
		"metadata": object{"name": name, "namespace": namespace},
		"spec": object{"replicas": int64(0), "selector": object{"matchLabels": labels},
			"template": object{"metadata": object{"labels": labels},
				"spec": object{"containers": []any{container("a"), container("b")}}}}}}
}

func same(found, wanted any) error {
	if !reflect.DeepEqual(found, wanted) {
		return fmt.Errorf("%#v is not %#v", found, wanted)
	}
	return nil
}

func is(test func(error) bool, err error) error {
	if err == nil {
		return errors.New("not refused")
	}
	if !test(err) {
		return fmt.Errorf("refused otherwise: %w", err)
	}
	return nil
}

func names(list *unstructured.UnstructuredList) (out []string) {
	for _, item := range list.Items {
		out = append(out, item.GetName())
	}
	return
}

func value(obj *unstructured.Unstructured, path ...string) string {
	text, _, _ := unstructured.NestedString(obj.Object, path...)
	return text
}

func discover() error {
	_, lists, err := found.ServerGroupsAndResources()
	if err != nil {
		return err
	}
	for _, list := range lists {
		if list.GroupVersion == "serving.knative.dev/v1" {
			return nil
		}
	}
	return errors.New("serving.knative.dev/v1 is not discovered")
}

func create() error {
	if _, err := maps.Create(ctx, configMap("one"), metav1.CreateOptions{}); err != nil {
		return err
	}
	if _, err := deploys.Create(ctx, deployment("web"), metav1.CreateOptions{}); err != nil {
		return err
	}
	_, err := maps.Create(ctx, configMap("one"), metav1.CreateOptions{})
	return is(apierrors.IsAlreadyExists, err)
}

func get() error {
	one, err := maps.Get(ctx, "one", metav1.GetOptions{})
	if err != nil {
		return err
	}
	if err := same(value(one, "data", "k"), "v"); err != nil {
		return err
	}
	_, err = maps.Get(ctx, "none", metav1.GetOptions{})
	return is(apierrors.IsNotFound, err)
}

func pages() error {
	wanted := []string{"one"}
	for i := range 5 {
		name := fmt.Sprintf("page-%d", i)
		wanted = append(wanted, name)
		if _, err := maps.Create(ctx, configMap(name), metav1.CreateOptions{}); err != nil {
			return err
		}
	}
	var seen []string
	for token := ""; ; {
		list, err := maps.List(ctx, metav1.ListOptions{LabelSelector: "set=x", Limit: 2, Continue: token})
		if err != nil {
			return err
		}
		seen = append(seen, names(list)...)
		if token = list.GetContinue(); token == "" {
			return same(seen, wanted)
		}
	}
}

func selects() error {
	list, err := maps.List(ctx, metav1.ListOptions{FieldSelector: "metadata.name=one"})
	if err != nil {
		return err
	}
	return same(names(list), []string{"one"})
}

func watch() error {
	factory := dynamicinformer.NewFilteredDynamicSharedInformerFactory(client, 0, namespace, nil)
	informer := factory.ForResource(schema.GroupVersionResource{Version: "v1", Resource: "configmaps"}).Informer()
	told := make(chan string, 100)
	note := func(verb string, obj any) {
		if found, ok := obj.(*unstructured.Unstructured); ok && found.GetName() == "seen" {
			told <- verb
		}
	}
	if _, err := informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    func(obj any) { note("add", obj) },
		UpdateFunc: func(_, obj any) { note("update", obj) },
		DeleteFunc: func(obj any) { note("delete", obj) },
	}); err != nil {
		return err
	}
	stop := make(chan struct{})
	defer close(stop)
	factory.Start(stop)
	factory.WaitForCacheSync(stop)
	if _, err := maps.Create(ctx, configMap("seen"), metav1.CreateOptions{}); err != nil {
		return err
	}
	if _, err := patch(maps, "seen", types.MergePatchType, `{"data":{"k":"w"}}`); err != nil {
		return err
	}
	if err := maps.Delete(ctx, "seen", metav1.DeleteOptions{}); err != nil {
		return err
	}
	for _, wanted := range []string{"add", "update", "delete"} {
		select {
		case verb := <-told:
			if err := same(verb, wanted); err != nil {
				return err
			}
		case <-time.After(10 * time.Second):
			return fmt.Errorf("no %s within 10 s", wanted)
		}
	}
	return nil
}

func patch(of dynamic.ResourceInterface, name string, how types.PatchType, body string, sub ...string) (*unstructured.Unstructured, error) {
	return of.Patch(ctx, name, how, []byte(body), metav1.PatchOptions{}, sub...)
}

func update() error {
	one, err := maps.Get(ctx, "one", metav1.GetOptions{})
	if err != nil {
		return err
	}
	_ = unstructured.SetNestedField(one.Object, "yes", "data", "more")
	one, err = maps.Update(ctx, one, metav1.UpdateOptions{})
	if err != nil {
		return err
	}
	return same(value(one, "data", "more"), "yes")
}

func conflict() error {
	one, err := maps.Get(ctx, "one", metav1.GetOptions{})
	if err != nil {
		return err
	}
	if _, err := patch(maps, "one", types.MergePatchType, `{"data":{"other":"1"}}`); err != nil {
		return err
	}
	_, err = maps.Update(ctx, one, metav1.UpdateOptions{})
	return is(apierrors.IsConflict, err)
}

func mergePatch() error {
	one, err := patch(maps, "one", types.MergePatchType, `{"data":{"other":null}}`)
	if err != nil {
		return err
	}
	return same(value(one, "data", "other"), "")
}

func jsonPatch() error {
	one, err := patch(maps, "one", types.JSONPatchType, `[{"op":"replace","path":"/data/k","value":"patched"}]`)
	if err != nil {
		return err
	}
	return same(value(one, "data", "k"), "patched")
}

func strategicPatch() error {
	web, err := patch(deploys, "web", types.StrategicMergePatchType,
		`{"spec":{"template":{"spec":{"containers":[{"name":"b","image":"hauberk.local/sleep"}]}}}}`)
	if err != nil {
		return err
	}
	containers, _, _ := unstructured.NestedSlice(web.Object, "spec", "template", "spec", "containers")
	return same(len(containers), 2)
}

func apply() error {
	wanted := configMap("applied")
	if _, err := maps.Apply(ctx, "applied", wanted, metav1.ApplyOptions{FieldManager: "alice"}); err != nil {
		return err
	}
	_ = unstructured.SetNestedField(wanted.Object, "bob's", "data", "k")
	_, err := maps.Apply(ctx, "applied", wanted, metav1.ApplyOptions{FieldManager: "bob"})
	if err := is(apierrors.IsConflict, err); err != nil {
		return err
	}
	got, err := maps.Apply(ctx, "applied", wanted, metav1.ApplyOptions{FieldManager: "bob", Force: true})
	if err != nil {
		return err
	}
	return same(value(got, "data", "k"), "bob's")
}

func scale() error {
	got, err := patch(deploys, "web", types.MergePatchType, `{"spec":{"replicas":1}}`, "scale")
	if err != nil {
		return err
	}
	replicas, _, _ := unstructured.NestedInt64(got.Object, "spec", "replicas")
	return same(replicas, int64(1))
}

func status() error {
	web, err := patch(deploys, "web", types.MergePatchType,
		`{"spec":{"paused":true},"status":{"conditions":[{"type":"Tested","status":"True"}]}}`, "status")
	if err != nil {
		return err
	}
	_, paused, _ := unstructured.NestedBool(web.Object, "spec", "paused")
	return same(paused, false)
}

func custom() error {
	server := object{"port": object{"number": int64(80), "name": "http", "protocol": "HTTP"}, "hosts": []any{"a.example.com"}}
	gate := &unstructured.Unstructured{Object: object{
		"apiVersion": "networking.istio.io/v1", "kind": "Gateway", "metadata": object{"name": "gate"},
		"spec": object{"selector": object{"a": "b"}, "servers": []any{server}}}}
	made, err := gateways.Create(ctx, gate, metav1.CreateOptions{})
	if err != nil {
		return err
	}
	made.SetResourceVersion("")
	_, err = gateways.Update(ctx, made, metav1.UpdateOptions{})
	if err := is(apierrors.IsInvalid, err); err != nil {
		return err
	}
	return gateways.Delete(ctx, "gate", metav1.DeleteOptions{})
}

func dryRun() error {
	if _, err := maps.Create(ctx, configMap("dry"), metav1.CreateOptions{DryRun: []string{"All"}}); err != nil {
		return err
	}
	_, err := maps.Get(ctx, "dry", metav1.GetOptions{})
	return is(apierrors.IsNotFound, err)
}

func deletes() error {
	wrong := types.UID("another")
	err := maps.Delete(ctx, "one", metav1.DeleteOptions{Preconditions: &metav1.Preconditions{UID: &wrong}})
	if err := is(apierrors.IsConflict, err); err != nil {
		return err
	}
	if err := maps.Delete(ctx, "one", metav1.DeleteOptions{}); err != nil {
		return err
	}
	if err := is(apierrors.IsNotFound, maps.Delete(ctx, "one", metav1.DeleteOptions{})); err != nil {
		return err
	}
	foreground := metav1.DeletePropagationForeground
	return deploys.Delete(ctx, "web", metav1.DeleteOptions{PropagationPolicy: &foreground})
}

func deleteMany() error {
	labelled := metav1.ListOptions{LabelSelector: "set=x"}
	if err := maps.DeleteCollection(ctx, metav1.DeleteOptions{}, labelled); err != nil {
		return err
	}
	list, err := maps.List(ctx, labelled)
	if err != nil {
		return err
	}
	return same(len(list.Items), 0)
}

func main() {
	config, err := clientcmd.BuildConfigFromFlags("", os.Getenv("KUBECONFIG"))
	if err != nil {
		panic(err)
	}
	config.QPS, config.Burst = 100, 100
	found = discovery.NewDiscoveryClientForConfigOrDie(config)
	client = dynamic.NewForConfigOrDie(config)
	of := func(group, version, resource string) dynamic.ResourceInterface {
		return client.Resource(schema.GroupVersionResource{Group: group, Version: version, Resource: resource}).Namespace(namespace)
	}
	maps, deploys = of("", "v1", "configmaps"), of("apps", "v1", "deployments")
	gateways = of("networking.istio.io", "v1", "gateways")
	for _, row := range []struct {
		name string
		run  func() error
	}{
		{"discover", discover}, {"create", create}, {"get", get}, {"pages", pages}, {"select", selects},
		{"watch", watch}, {"update", update}, {"conflict", conflict}, {"merge-patch", mergePatch},
		{"json-patch", jsonPatch}, {"strategic-patch", strategicPatch}, {"apply", apply}, {"scale", scale},
		{"status", status}, {"custom", custom}, {"dry-run", dryRun}, {"delete", deletes}, {"delete-many", deleteMany},
	} {
		text := ""
		if err := row.run(); err != nil {
			text = err.Error()
		}
		line, _ := json.Marshal(object{"operation": row.name, "error": text})
		fmt.Println(string(line))
	}
}
