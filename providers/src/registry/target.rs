//! One provider of a configuration on its way to be built: what it was told, and what its type takes.

use belvedere_core::credentials::{Anonymous, ApiKeys};
use belvedere_core::error::Result;
use belvedere_core::http::Http;
use belvedere_core::provider::Provider;
use belvedere_core::service::Stack;
use http::{HeaderMap, HeaderName, Uri};

use crate::settings::{Auth, Settings, Signer, address, invalid};

/// Looks up an environment variable that is set and not empty.
pub(super) type Env<'a> = dyn Fn(&str) -> Option<String> + 'a;

/// A provider to be built.
pub(super) struct Target<'a> {
    pub(super) name: &'a str,
    pub(super) settings: &'a Settings,
    pub(super) env: &'a Env<'a>,
}

/// How a type takes its API key.
pub(super) struct Key<'a> {
    /// The header; `None`: `Authorization: Bearer`.
    pub(super) header: Option<&'static str>,
    /// The environment variables that hold it by custom, the first one that is set wins.
    pub(super) env: &'a [&'static str],
    /// Whether the server refuses calls without one.
    pub(super) needed: bool,
}

/// The kinds of credentials that every type takes.
const COMMON: [&str; 4] = ["api_key", "token", "oauth", "none"];

impl Target<'_> {
    /// Refuses the fields that the type does not take.
    ///
    /// # Errors
    /// `ConfigInvalid` naming the field and those the type takes.
    pub(super) fn takes(&self, own: &[&str]) -> Result<()> {
        let Settings { wire, region, project, api_version, .. } = self.settings;
        let given = [("wire", wire), ("region", region), ("project", project), ("api_version", api_version)];
        let Some((field, _)) = given.iter().find(|(name, value)| value.is_some() && !own.contains(name))
        else {
            return Ok(());
        };
        let common =
            ["api_key", "base_url", "credentials", "headers", "model", "overlay", "policy", "unsupported"];
        let mut takes: Vec<&str> = common.iter().chain(own).copied().collect();
        takes.sort_unstable();
        Err(invalid(format!("{field}: {} does not take it; it takes: {}", self.name, takes.join(", "))))
    }

    /// The wire to speak: the one that was named, or the first.
    ///
    /// # Errors
    /// `ConfigInvalid` naming those there are.
    pub(super) fn wire<'w>(&self, wires: &[&'w str]) -> Result<&'w str> {
        let first = wires.first().copied().unwrap_or_default();
        let Some(asked) = self.settings.wire.as_deref() else { return Ok(first) };
        let known = || invalid(format!("wire: {} speaks: {}", self.name, wires.join(", ")));
        wires.iter().find(|wire| **wire == asked).copied().ok_or_else(known)
    }

    /// The first of these environment variables that is set.
    pub(super) fn env(&self, names: &[&str]) -> Option<String> {
        names.iter().find_map(|name| (self.env)(name))
    }

    /// A setting that is needed, or its environment variables.
    ///
    /// # Errors
    /// `ConfigInvalid` naming the field and the variables.
    pub(super) fn need(&self, field: &str, value: &Option<String>, env: &[&str]) -> Result<String> {
        let value = value.clone().or_else(|| self.env(env)).filter(|text| !text.is_empty());
        let value = value
            .ok_or_else(|| invalid(format!("{field}: is missing; {} is read, too", env.join(" or "))))?;
        let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | ':');
        match value.chars().all(is_name) {
            true => Ok(value),
            false => Err(invalid(format!("{field}: has characters that no {field} has"))),
        }
    }

    /// The address: the one that was set, the environment's, or the type's own.
    ///
    /// # Errors
    /// `ConfigInvalid` when there is none, or it is no address.
    pub(super) fn address(&self, env: &[&str], default: Option<&str>) -> Result<Uri> {
        if self.settings.base_url.is_some() {
            return self.settings.address(default);
        }
        for name in env {
            if let Some(text) = (self.env)(name) {
                return address(name, &text);
            }
        }
        self.settings.address(default).map_err(|error| match env {
            [] => error,
            env => invalid(format!("base_url: is missing; {} is read, too", env.join(" or "))),
        })
    }

    /// What signs the requests. `own` are the kinds of credentials that this type takes besides the common ones.
    ///
    /// # Errors
    /// `ConfigInvalid` when a needed key is missing or a kind is not taken.
    pub(super) fn signer(&self, key: &Key<'_>, own: &[&str]) -> Result<Signer> {
        let Settings { signer, credentials, api_key, .. } = self.settings;
        if let Some(signer) = signer {
            return Ok(signer.clone());
        }
        let Some(auth) = credentials else {
            let env = key.env.first().map(|name| (*name, self.env(key.env)));
            let keys = self.settings.keys(env, key.needed)?;
            return match keys.is_empty() {
                true => Ok(Signer::new(Anonymous)),
                false => api_keys(key.header, &keys).map(Signer::new),
            };
        };
        if api_key.is_some() {
            return Err(invalid("credentials: stand beside api_key; one of the two signs"));
        }
        if !COMMON.iter().chain(own).any(|kind| *kind == auth.kind()) {
            let takes: Vec<&str> = COMMON.iter().chain(own).copied().collect();
            return Err(invalid(format!("credentials.type: {} takes: {}", self.name, takes.join(", "))));
        }
        match auth {
            Auth::ApiKey { key: keys, header } => {
                let keys = keys.clone().into_vec();
                match header {
                    Some(name) => Ok(Signer::new(ApiKeys::header(header_name(name)?, &keys)?)),
                    None => api_keys(key.header, &keys).map(Signer::new),
                }
            }
            auth => Ok(auth.bearer()?.map_or_else(|| Signer::new(Anonymous), Signer::new)),
        }
    }

    /// The service of a wire.
    ///
    /// # Errors
    /// `ConfigInvalid` naming a header that is none.
    pub(super) fn stack(&self, provider: impl Provider, signer: Signer) -> Result<Stack> {
        self.stack_with(provider, signer, HeaderMap::new())
    }

    /// The service of a wire that sends further headers. Those of the settings win.
    ///
    /// # Errors
    /// `ConfigInvalid` naming a header that is none.
    pub(super) fn stack_with(
        &self,
        provider: impl Provider,
        signer: Signer,
        mut headers: HeaderMap,
    ) -> Result<Stack> {
        headers.extend(self.settings.header_map()?);
        let Settings { unsupported, overlay, policy, .. } = self.settings;
        let http = Http::new(provider, signer).with_headers(headers).with_unsupported(*unsupported);
        Ok(Stack::new(http.with_overlay(overlay.clone()).with_policy(policy.clone())))
    }
}

fn api_keys(header: Option<&'static str>, keys: &[belvedere_core::credentials::Secret]) -> Result<ApiKeys> {
    match header {
        Some(name) => ApiKeys::header(HeaderName::from_static(name), keys),
        None => ApiKeys::bearer(keys),
    }
}

fn header_name(name: &str) -> Result<HeaderName> {
    HeaderName::from_bytes(name.as_bytes()).map_err(|_| invalid("credentials.header: is not a header name"))
}
