//! How the network is reached.

use std::path::PathBuf;
use std::time::Duration;

use belvedere_core::credentials::Secret;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer};

/// How the network is reached. Each field has a default that suits a server with direct access.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct TransportOptions {
    /// The proxy: `system` (the default: what `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY` or the
    /// system's settings say), `none`, or the address of an HTTP proxy such as `http://user:password@proxy:3128`.
    pub proxy: Proxy,
    /// A PEM file with the certificates of further authorities to trust, beside those of the system.
    /// Default: none.
    pub ca_file: Option<PathBuf>,
    /// The version of HTTP: `auto` (the default), `http1` or `http2`.
    pub http: HttpVersion,
    /// How long an unused connection is kept. Default `90s`; `null` keeps it for ever.
    #[serde(with = "belvedere_core::duration::option")]
    #[schemars(with = "Option<belvedere_core::duration::Text>")]
    pub pool_idle_timeout: Option<Duration>,
    /// How many unused connections to one host are kept. Default: no limit; `0` keeps none.
    pub pool_max_idle_per_host: Option<usize>,
    /// The `User-Agent` header. Default `belvedere/` and the version.
    pub user_agent: String,
}

impl Default for TransportOptions {
    fn default() -> Self {
        TransportOptions {
            proxy: Proxy::System,
            ca_file: None,
            http: HttpVersion::Auto,
            // Shorter than the idle limit of common load balancers is safer, longer saves handshakes. It is also
            // what hyper defaults to.
            pool_idle_timeout: Some(Duration::from_secs(90)),
            pool_max_idle_per_host: None,
            user_agent: concat!("belvedere/", env!("CARGO_PKG_VERSION")).to_owned(),
        }
    }
}

/// Which proxy is used.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub enum Proxy {
    /// What the environment or the system's settings say.
    #[default]
    System,
    /// None.
    None,
    /// This one, for all hosts: `http://` or `https://`. A secret, because it may carry a password.
    Address(Secret),
}

impl<'de> Deserialize<'de> for Proxy {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = Secret::deserialize(d)?;
        Ok(match text.expose() {
            "system" => Proxy::System,
            "none" => Proxy::None,
            _ => Proxy::Address(text),
        })
    }
}

impl JsonSchema for Proxy {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Proxy".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "description": "`system`, `none`, or the address of an HTTP proxy.",
        })
    }
}

/// Which version of HTTP is spoken.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum HttpVersion {
    /// HTTP/2 where the server offers it in the TLS handshake (ALPN, RFC 7301), else HTTP/1.1.
    #[default]
    Auto,
    /// HTTP/1.1 only.
    Http1,
    /// HTTP/2 only, also without TLS ("prior knowledge", RFC 9113 section 3.3).
    Http2,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Result<TransportOptions, String> {
        serde_json::from_str(json).map_err(|e| e.to_string())
    }

    #[test]
    fn an_empty_document_is_the_default() {
        let options = read("{}").unwrap();
        assert_eq!(format!("{options:?}"), format!("{:?}", TransportOptions::default()));
        assert_eq!(options.user_agent, concat!("belvedere/", env!("CARGO_PKG_VERSION")));
    }

    #[test]
    fn all_fields_are_read_and_others_refused() {
        let options = read(
            r#"{"proxy":"none","ca_file":"a.pem","http":"http2","pool_idle_timeout":null,
                "pool_max_idle_per_host":2,"user_agent":"me/1"}"#,
        )
        .unwrap();
        assert!(matches!(options.proxy, Proxy::None));
        assert_eq!((options.http, options.pool_idle_timeout), (HttpVersion::Http2, None));
        assert_eq!(options.pool_max_idle_per_host, Some(2));
        assert!(read(r#"{"proxi":"none"}"#).unwrap_err().contains("proxi"));
    }

    #[test]
    fn w12_a_proxy_password_does_not_print() {
        let options = read(r#"{"proxy":"http://u:canary@p:1"}"#).unwrap();
        assert!(matches!(&options.proxy, Proxy::Address(a) if a.expose() == "http://u:canary@p:1"));
        assert!(!format!("{options:?}").contains("canary"));
    }
}
