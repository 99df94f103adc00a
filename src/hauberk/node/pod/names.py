"""/etc/hosts and /etc/resolv.conf of a pod that asks for more than the node's default. Pure."""

from __future__ import annotations

from .spec import Pod

DNS_IP = "172.30.0.10"
CLUSTER_DOMAIN = "cluster.local"


def hosts_file(pod: Pod, ip: str) -> str:
    """The content of /etc/hosts, or nothing where the default (localhost and the host name) does.

    Source: kubernetes pkg/kubelet/kubelet_pods.go, managedHostsFileContent.
    """
    spec = pod.spec
    if not spec.host_aliases and not spec.subdomain:
        return ""
    own = pod.hostname
    if spec.subdomain:
        own = f"{pod.hostname}.{spec.subdomain}.{pod.namespace}.svc.{CLUSTER_DOMAIN}\t{pod.hostname}"
    lines = ["# Kubernetes-managed hosts file.", "127.0.0.1\tlocalhost", f"{ip}\t{own}"]
    if spec.host_aliases:
        lines += ["", "# Entries added by HostAliases."]
        lines += ["\t".join([alias.ip, *alias.hostnames]) for alias in spec.host_aliases]
    return "\n".join(lines) + "\n"


def resolv_file(pod: Pod) -> str:
    """The content of /etc/resolv.conf, or nothing where the default (ClusterFirst, no dnsConfig) does.

    Deviation: policy Default is ClusterFirst here, because pods do not reach the machine's resolver.
    Source: kubernetes pkg/kubelet/network/dns/dns.go, appendDNSConfig.
    """
    spec, config = pod.spec, pod.spec.dns_config
    if spec.dns_policy != "None" and config is None:
        return ""
    servers: list[str] = []
    searches: list[str] = []
    options: dict[str, str | None] = {}
    if spec.dns_policy != "None":
        servers = [DNS_IP]
        searches = [f"{pod.namespace}.svc.{CLUSTER_DOMAIN}", f"svc.{CLUSTER_DOMAIN}", CLUSTER_DOMAIN]
        options = {"ndots": "5"}
    if config is not None:
        servers += [s for s in config.nameservers if s not in servers]
        searches += [s for s in config.searches if s not in searches]
        options |= {o.name: o.value for o in config.options}
    lines = [f"nameserver {server}" for server in servers]
    if searches:
        lines.append(f"search {' '.join(searches)}")
    if options:
        lines.append("options " + " ".join(k if v is None else f"{k}:{v}" for k, v in options.items()))
    return "\n".join(lines) + "\n"
