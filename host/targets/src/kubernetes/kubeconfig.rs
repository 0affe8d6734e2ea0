//! Kubeconfigs: what they may contain, and the configuration they result in.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use http::Uri;
use kube::client::{ConfigExt as _, RustlsTlsError};
use kube::config::{AuthInfo, Cluster, Config, Kubeconfig, KubeconfigError};
use rustls::crypto::CryptoProvider;
use secrecy::ExposeSecret as _;
use url::Url;

use crate::blot::Blotter;

/// A checked configuration.
pub(super) struct UsableConfig {
    pub(super) config: Config,
    /// The secrets it signs in with.
    pub(super) secrets: Blotter,
}

/// Reads a kubeconfig's text, which must be self-contained.
///
/// # Errors
///
/// What is wrong and the cure, without quoting the text.
pub(super) fn inline(text: &str, context: Option<&str>) -> Result<UsableConfig, String> {
    let kubeconfig = Kubeconfig::from_yaml(text).map_err(|error| unusable(&error))?;
    let (cluster, user) = selected(&kubeconfig, context)?;
    refuse(&[
        ("certificate-authority", cluster.certificate_authority.is_some(), "give certificate-authority-data"),
        ("tokenFile", user.token_file.is_some(), "give token"),
        ("client-certificate", user.client_certificate.is_some(), "give client-certificate-data"),
        ("client-key", user.client_key.is_some(), "give client-key-data"),
    ])
    .map_err(|what| {
        format!("The kubeconfig must be self-contained: {what}, or name its file in `kubeconfigFile` instead.")
    })?;
    ready(kubeconfig, context)
}

/// Reads a kubeconfig file, and the files it names.
///
/// # Errors
///
/// What is wrong and the cure, without quoting the content.
pub(super) fn file(path: &Path, context: Option<&str>) -> Result<UsableConfig, String> {
    ready(Kubeconfig::read_from(path).map_err(|error| unusable(&error))?, context)
}

/// Reads the configuration of the pod that Bursar runs in.
///
/// # Errors
///
/// What is wrong and the cure.
pub(super) fn in_cluster() -> Result<UsableConfig, String> {
    let config = Config::incluster().map_err(|error| {
        format!("Bursar does not run in a cluster ({error}): give `kubeconfig` or `kubeconfigFile`")
    })?;
    Ok(UsableConfig { secrets: secrets_of(&config.auth_info), config })
}

fn ready(mut kubeconfig: Kubeconfig, context: Option<&str>) -> Result<UsableConfig, String> {
    let (cluster, user) = selected(&kubeconfig, context)?;
    // Programs would run with the broker's privileges and environment, without the files they need.
    refuse(&[
        ("exec", user.exec.is_some(), SERVICE_ACCOUNT),
        ("auth-provider", user.auth_provider.is_some(), SERVICE_ACCOUNT),
        (
            "insecure-skip-tls-verify",
            cluster.insecure_skip_tls_verify == Some(true),
            "give certificate-authority-data, since any server that answers would be sent every credential",
        ),
    ])
    .map_err(|what| format!("This kubeconfig cannot be used: {what}."))?;
    let server = server(cluster.server.as_deref())?;
    check_login(&user)?;
    let proxy = cluster.proxy_url.clone();
    let signs_in = user.token.is_some()
        || user.token_file.is_some()
        || user.username.is_some()
        || user.client_certificate_data.is_some()
        || user.client_certificate.is_some();
    if !signs_in {
        return Err("The user of the kubeconfig's context has no sign-in: give token, or client-certificate-data and \
                    client-key-data."
            .to_owned());
    }
    if let Some(context) = context {
        kubeconfig.current_context = Some(context.to_owned());
    }
    let mut config = Config::try_from(kubeconfig).map_err(|error| unusable(&error))?;
    // kube parses the URL differently, and must connect to the one that was checked.
    config.cluster_url = server;
    // kube would also use the environment's proxy, whatever it is meant for.
    config.proxy_url = proxy.filter(|proxy| !proxy.is_empty()).map(|proxy| self::proxy(&proxy)).transpose()?;
    check_certificates(&config)?;
    check_layers(&config)?;
    Ok(UsableConfig { secrets: secrets_of(&config.auth_info), config })
}

/// Checks what kube would find out only on the first connection.
fn check_certificates(config: &Config) -> Result<(), String> {
    // As in kube: rustls has no default where two providers are compiled in.
    if CryptoProvider::get_default().is_none() {
        let _came_meanwhile = rustls::crypto::aws_lc_rs::default_provider().install_default();
    }
    match config.rustls_client_config() {
        Ok(_) => Ok(()),
        Err(kube::Error::InferKubeconfig(error)) => Err(unusable(&error)),
        Err(kube::Error::RustlsTls(RustlsTlsError::AddRootCertificate(_) | RustlsTlsError::NoValidNativeRootCA(_))) => {
            Err(BAD_AUTHORITY.to_owned())
        }
        Err(_) => Err(BAD_IDENTITY.to_owned()),
    }
}

/// The cluster and user of a context.
fn selected(kubeconfig: &Kubeconfig, context: Option<&str>) -> Result<(Cluster, AuthInfo), String> {
    let Some(name) = context.or(kubeconfig.current_context.as_deref()).filter(|name| !name.is_empty()) else {
        return Err("The kubeconfig has no current-context: add one, or name a context in `context`.".to_owned());
    };
    let named = kubeconfig.contexts.iter().find(|named| named.name == name);
    let context = named.and_then(|named| named.context.as_ref()).ok_or_else(|| match context {
        Some(_) => "The kubeconfig does not have the context named in `context`.".to_owned(),
        None => "The kubeconfig does not have the context that its current-context names.".to_owned(),
    })?;
    let cluster = kubeconfig.clusters.iter().find(|named| named.name == context.cluster);
    let cluster = cluster
        .and_then(|named| named.cluster.clone())
        .ok_or_else(|| "The kubeconfig does not have the cluster that its context names.".to_owned())?;
    let user = kubeconfig.auth_infos.iter().find(|named| Some(&named.name) == context.user.as_ref());
    Ok((cluster, user.and_then(|named| named.auth_info.clone()).unwrap_or_default()))
}

/// Refuses the first field that is present, of `(field, whether it is present, the cure)`.
fn refuse(rules: &[(&str, bool, &str)]) -> Result<(), String> {
    match rules.iter().find(|(_, present, _)| *present) {
        Some((field, _, cure)) => Err(format!("it has `{field}`; {cure}")),
        None => Ok(()),
    }
}

/// Checks what is sent in a header, where kube would panic: RFC 6750, 2.1 for the
/// token, RFC 7617, 2 for the others.
fn check_login(user: &AuthInfo) -> Result<(), String> {
    let is_token = |token: &str| !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic());
    if user.token.as_ref().is_some_and(|token| !is_token(token.expose_secret())) {
        return Err(
            "The token of the kubeconfig's user holds a line break, a space or another character that no token has: \
             write it on one line after `token:`, without `|`."
                .to_owned(),
        );
    }
    let has_controls = |text: &str| text.chars().any(char::is_control);
    if user.username.as_deref().is_some_and(|name| has_controls(name) || name.contains(':')) {
        return Err("The username of the kubeconfig's user holds a colon, a line break or another control character."
            .to_owned());
    }
    if user.password.as_ref().is_some_and(|password| has_controls(password.expose_secret())) {
        return Err(
            "The password of the kubeconfig's user holds a line break or another control character: write it on one \
             line after `password:`, without `|`."
                .to_owned(),
        );
    }
    Ok(())
}

/// Has kube create the layers that it otherwise creates on the first connection,
/// which can fail.
fn check_layers(config: &Config) -> Result<(), String> {
    let layers = || config.auth_layer().is_ok() && config.extra_headers_layer().is_ok();
    match catch_unwind(AssertUnwindSafe(layers)) {
        Ok(true) => Ok(()),
        Ok(false) | Err(_) => {
            Err("The sign-in of the kubeconfig's user cannot be used: give token, or client-certificate-data and \
                 client-key-data."
                .to_owned())
        }
    }
}

/// A proxy that kube supports.
fn proxy(proxy: &str) -> Result<Uri, String> {
    let url = Url::parse(proxy).ok().filter(|url| url.has_host() && ["http", "socks5"].contains(&url.scheme()));
    let uri = url.and_then(|url| Uri::try_from(url.as_str()).ok()).filter(|uri| uri.authority().is_some());
    uri.ok_or_else(|| {
        "The kubeconfig's proxy-url is not a URL such as http://proxy.example.com:3128 or socks5://[::1]:1080."
            .to_owned()
    })
}

/// The server's URL. Plain HTTP is for this machine only, where `kubectl proxy` listens.
fn server(server: Option<&str>) -> Result<Uri, String> {
    let url = server.and_then(|server| Url::parse(server).ok());
    let Some(url) = url.filter(Url::has_host) else {
        return Err("The kubeconfig's cluster has no server, or one that is not a URL such as https://10.0.0.1:6443."
            .to_owned());
    };
    let is_loopback = match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    if url.scheme() != "https" && !(url.scheme() == "http" && is_loopback) {
        return Err("The server of the kubeconfig's cluster must be an https:// URL.".to_owned());
    }
    if !url.username().is_empty() || url.password().is_some() || url.query().is_some() || url.fragment().is_some() {
        return Err(
            "The server of the kubeconfig's cluster must be a URL without a user name, password, query and fragment."
                .to_owned(),
        );
    }
    let uri = Uri::try_from(url.as_str()).ok().filter(|uri| uri.scheme().is_some() && uri.authority().is_some());
    uri.ok_or_else(|| "The server of the kubeconfig's cluster is not a usable URL.".to_owned())
}

/// An error's text without the content, which YAML errors quote.
fn unusable(error: &KubeconfigError) -> String {
    match error {
        KubeconfigError::ReadConfig(error, path) => {
            format!("The file {} cannot be read: {error}.", path.display())
        }
        KubeconfigError::Parse(error) => {
            let place = error
                .location()
                .map_or_else(String::new, |place| format!(" (line {}, column {})", place.line(), place.column()));
            format!("This is not the YAML of a kubeconfig{place}.")
        }
        KubeconfigError::LoadCertificateAuthority(_) | KubeconfigError::ParseCertificates(_) => {
            BAD_AUTHORITY.to_owned()
        }
        KubeconfigError::LoadClientCertificate(_) | KubeconfigError::LoadClientKey(_) => BAD_IDENTITY.to_owned(),
        KubeconfigError::ParseClusterUrl(_) => "The server of the kubeconfig's cluster is not a URL.".to_owned(),
        KubeconfigError::ParseProxyUrl(_) => {
            "The kubeconfig's proxy-url, or the proxy of the environment, is not a URL.".to_owned()
        }
        KubeconfigError::KindMismatch | KubeconfigError::ApiVersionMismatch => {
            "The kubeconfig's documents are not of one kind and apiVersion.".to_owned()
        }
        _ => "This is not a usable kubeconfig.".to_owned(),
    }
}

fn secrets_of(user: &AuthInfo) -> Blotter {
    let mut secrets = Blotter::default();
    for secret in [&user.token, &user.password, &user.client_key_data].into_iter().flatten() {
        secrets.add(secret.expose_secret().as_bytes());
    }
    for file in [&user.token_file, &user.client_key].into_iter().flatten() {
        if let Ok(content) = std::fs::read(file) {
            secrets.add(content.trim_ascii());
        }
    }
    secrets
}

const BAD_AUTHORITY: &str = "The certificate authority of the kubeconfig's cluster cannot be used: give certificate-authority-data, PEM in base64.";
const BAD_IDENTITY: &str = "The client certificate and key of the kubeconfig's user cannot be used: give both, PEM in \
                            base64, and the key that belongs to the certificate.";
const SERVICE_ACCOUNT: &str = "sign in with the token of a service account, as docs/targets/kubernetes.md shows";
