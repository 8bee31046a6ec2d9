//! Which proxy a request goes through.

use std::sync::Arc;

use belvedere_core::{Error, ErrorKind, Result};
use http::uri::Scheme;
use http::{HeaderValue, Uri};
use hyper_util::client::proxy::matcher::{Intercept, Matcher};

use super::options::Proxy;

/// The proxies that are set. Cheap to clone; passwords do not print.
#[derive(Debug, Clone)]
pub(super) struct Proxies(Option<Arc<Matcher>>);

impl Proxies {
    /// The proxies of this option. The environment is read now, and not again.
    ///
    /// # Errors
    /// `ConfigInvalid` when the address is none of an HTTP proxy. The address is not shown: it may carry a password.
    pub(super) fn new(proxy: &Proxy) -> Result<Self> {
        let matcher = match proxy {
            Proxy::None => return Ok(Proxies(None)),
            Proxy::System => Matcher::from_system(),
            Proxy::Address(address) => fixed(address.expose()).ok_or_else(|| {
                let message =
                    "proxy: must be `system`, `none`, or an address such as `http://proxy.example:3128`";
                Error::new(ErrorKind::ConfigInvalid, message)
            })?,
        };
        Ok(Proxies(Some(Arc::new(matcher))))
    }

    /// The proxy to `server`, if there is one.
    pub(super) fn to(&self, server: &Uri) -> Option<Intercept> {
        self.0.as_ref()?.intercept(server)
    }

    /// What the proxy to `server` has to be told with each request. One that tunnels is told with the tunnel.
    pub(super) fn authorization(&self, server: &Uri) -> Option<HeaderValue> {
        if server.scheme() != Some(&Scheme::HTTP) {
            return None;
        }
        self.to(server)?.basic_auth().cloned()
    }
}

/// One proxy for all hosts. A matcher takes no notice of an address it cannot read, so it is checked here.
fn fixed(address: &str) -> Option<Matcher> {
    let uri: Uri = address.parse().ok()?;
    let has_host = uri.host().is_some_and(|host| !host.is_empty());
    (matches!(uri.scheme_str(), Some("http" | "https")) && has_host)
        .then(|| Matcher::builder().all(address).build())
}

#[cfg(test)]
mod tests {
    use belvedere_core::credentials::Secret;

    use super::*;

    fn all(address: &str) -> Proxies {
        Proxies::new(&Proxy::Address(Secret::new(address))).unwrap()
    }

    #[test]
    fn the_password_goes_with_requests_that_the_proxy_reads() {
        let proxies = all("http://me:canary@proxy.example:3128");
        let told = |server| proxies.authorization(&Uri::from_static(server));
        assert_eq!(told("http://a.example/").unwrap(), "Basic bWU6Y2FuYXJ5");
        assert!(told("http://a.example/").unwrap().is_sensitive());
        assert_eq!(told("https://a.example/"), None);
        let proxy = proxies.to(&Uri::from_static("https://a.example/")).unwrap();
        assert_eq!(proxy.uri(), "http://proxy.example:3128/");
    }

    #[test]
    fn w12_a_proxy_password_does_not_print_from_the_matcher() {
        let shown = format!("{:?}", all("http://me:canary@proxy.example:3128"));
        assert!(shown.contains("proxy.example") && !shown.contains("canary"), "{shown}");
    }

    #[test]
    fn an_address_without_a_host_is_refused() {
        for address in ["http://:80", "http://u:p@:80", "proxy.example:3128", "socks5://p:1"] {
            let error = Proxies::new(&Proxy::Address(Secret::new(address))).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::ConfigInvalid, "{address}");
        }
    }
}
