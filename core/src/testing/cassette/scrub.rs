//! Taking secrets out of an exchange before it is kept.

use std::ops::Range;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Uri};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::form::{Content, Exchange, How, Sent};
use crate::secrets;

/// What stands where something was taken out.
pub const SCRUBBED: &str = "<scrubbed>";

/// Headers that carry credentials or say whose account it is. Every header marked sensitive is scrubbed, too.
const HEADERS: [&str; 17] = [
    "authorization",
    "proxy-authorization",
    "x-api-key",
    "api-key",
    "x-goog-api-key",
    "x-amz-security-token",
    "ocp-apim-subscription-key",
    "cookie",
    "set-cookie",
    "openai-organization",
    "openai-project",
    "anthropic-organization-id",
    "x-goog-user-project",
    "chatgpt-account-id",
    "x-auth-token",
    "editor-device-id",
    "x-forwarded-for",
];

/// Query fields that carry credentials: API keys, and those of signed addresses.
const QUERY: [&str; 12] = [
    "key",
    "api_key",
    "api-key",
    "apikey",
    "access_token",
    "token",
    "sig",
    "signature",
    "x-amz-signature",
    "x-amz-credential",
    "x-amz-security-token",
    "x-goog-signature",
];

/// What is taken out of an exchange beside what always is: credentials in headers and addresses, and wherever the
/// same text stands elsewhere.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Scrub {
    /// Further headers, by name.
    pub headers: Vec<String>,
    /// Fields of JSON bodies, as paths whose steps are joined by dots; `*` is every step:
    /// `messages.*.content`, `user`.
    pub fields: Vec<String>,
    /// Texts, wherever they stand.
    pub texts: Vec<String>,
}

impl Scrub {
    /// Also takes out this header.
    pub fn with_header(mut self, name: impl Into<String>) -> Self {
        self.headers.push(name.into());
        self
    }

    /// Also takes out this field of JSON bodies.
    pub fn with_field(mut self, path: impl Into<String>) -> Self {
        self.fields.push(path.into());
        self
    }

    /// Also takes out this text.
    pub fn with_text(mut self, text: impl Into<String>) -> Self {
        self.texts.push(text.into());
        self
    }

    /// A request as it is kept.
    pub(super) fn request(&self, request: &http::Request<Bytes>, secrets: &mut Vec<String>) -> Sent {
        let mut headers = self.headers(request.headers(), secrets);
        let mut url = self.url(request.uri(), secrets);
        self.texts(headers.values_mut().chain([&mut url]), secrets);
        let body = self.body(request.body(), secrets);
        Sent { method: request.method().to_string(), url, headers, body }
    }

    /// The headers as they are kept. Secrets that are found go to `secrets`: they are taken out elsewhere, too.
    pub(super) fn headers(
        &self,
        headers: &HeaderMap,
        secrets: &mut Vec<String>,
    ) -> std::collections::BTreeMap<String, String> {
        let mut kept = std::collections::BTreeMap::<String, String>::new();
        for (name, value) in headers {
            let name = name.as_str();
            let hidden = value.is_sensitive()
                || HEADERS.contains(&name)
                || self.headers.iter().any(|own| own.eq_ignore_ascii_case(name));
            let text = match hidden {
                true => {
                    secrets.extend(secret_of(value));
                    SCRUBBED.to_owned()
                }
                false => String::from_utf8_lossy(value.as_bytes()).into_owned(),
            };
            kept.entry(name.to_owned()).and_modify(|all| *all = format!("{all}, {text}")).or_insert(text);
        }
        kept
    }

    /// The address as it is kept.
    fn url(&self, uri: &Uri, secrets: &mut Vec<String>) -> String {
        let text = uri.to_string();
        let (path, query) = text.split_once('?').unwrap_or((&text, ""));
        let path = match (path.split_once("://"), uri.authority().map(|a| a.as_str())) {
            (Some((scheme, rest)), Some(authority)) if authority.contains('@') => {
                let host = rest.rsplit_once('@').map_or(rest, |(_, host)| host);
                format!("{scheme}://{SCRUBBED}@{host}")
            }
            _ => path.to_owned(),
        };
        if query.is_empty() {
            return path;
        }
        let field = |pair: &str| match pair.split_once('=') {
            Some((name, value)) if QUERY.contains(&name.to_ascii_lowercase().as_str()) => {
                secrets.push(value.to_owned());
                format!("{name}={SCRUBBED}")
            }
            _ => pair.to_owned(),
        };
        let pairs: Vec<String> = query.split('&').map(field).collect();
        format!("{path}?{}", pairs.join("&"))
    }

    /// Takes texts out of headers and addresses: providers echo keys there, too.
    pub(super) fn texts<'a>(&self, places: impl IntoIterator<Item = &'a mut String>, secrets: &[String]) {
        for place in places {
            for text in self.listed(secrets) {
                if place.contains(text) {
                    *place = place.replace(text, SCRUBBED);
                }
            }
        }
    }

    /// The texts that are to go.
    fn listed<'a>(&'a self, secrets: &'a [String]) -> impl Iterator<Item = &'a str> {
        let all = self.texts.iter().chain(secrets).map(String::as_str);
        all.filter(|text| !text.is_empty() && *text != SCRUBBED)
    }

    /// A request body as it is kept.
    fn body(&self, body: &Bytes, secrets: &[String]) -> Content {
        let mut all = [self.fields_of(body)];
        self.texts_of(&mut all, secrets);
        let [body] = all;
        Content(body)
    }

    /// Takes secrets out of an answer. A text that lies across chunks goes out of all of them.
    pub(super) fn answer(&self, exchange: &mut Exchange, secrets: &[String]) {
        if let How::Broken(words) = &mut exchange.end.how {
            self.texts([words], secrets);
        }
        let Some(response) = &mut exchange.response else { return };
        let mut chunks: Vec<Bytes> = response.chunks.iter().map(|chunk| chunk.body.0.clone()).collect();
        if let [whole] = chunks.as_mut_slice() {
            *whole = self.fields_of(whole);
        }
        self.texts_of(&mut chunks, secrets);
        for (chunk, bytes) in response.chunks.iter_mut().zip(chunks) {
            chunk.body = Content(bytes);
        }
    }

    /// Takes secrets out of texts that are shown, and what only looks like one, too. The pieces belong together: a
    /// secret may lie across them.
    pub(in crate::testing) fn conceal(&self, pieces: &mut [Bytes], secrets: &[String]) {
        self.texts_of(pieces, secrets);
        let found: Vec<Range<usize>> =
            secrets::find(&readable(&pieces.concat())).into_iter().map(|f| f.start..f.end).collect();
        replace(pieces, &found);
    }

    /// A JSON body without the fields that are to go; any other body as it is.
    fn fields_of(&self, body: &Bytes) -> Bytes {
        if self.fields.is_empty() {
            return body.clone();
        }
        let Ok(mut value) = serde_json::from_slice::<Value>(body) else { return body.clone() };
        for path in &self.fields {
            take_out(&mut value, &path.split('.').collect::<Vec<_>>());
        }
        value.to_string().into()
    }

    /// Takes texts out of a body that came in chunks.
    fn texts_of(&self, chunks: &mut [Bytes], secrets: &[String]) {
        for text in self.listed(secrets) {
            let starts = memchr::memmem::find_iter(&chunks.concat(), text)
                .map(|at| at..at + text.len())
                .collect::<Vec<_>>();
            replace(chunks, &starts);
        }
    }
}

/// The secret part of a header: what follows the scheme, if there is one.
fn secret_of(value: &HeaderValue) -> Option<String> {
    let text = value.to_str().ok()?;
    let secret = text.rsplit(' ').next().unwrap_or(text);
    // Shorter ones are words, as in `anonymous`.
    (secret.len() >= 8).then(|| secret.to_owned())
}

fn take_out(value: &mut Value, path: &[&str]) {
    let Some((step, rest)) = path.split_first() else {
        *value = Value::from(SCRUBBED);
        return;
    };
    match value {
        Value::Object(map) if *step == "*" => map.values_mut().for_each(|member| take_out(member, rest)),
        Value::Object(map) => {
            if let Some(member) = map.get_mut(*step) {
                take_out(member, rest);
            }
        }
        Value::Array(items) if *step == "*" => items.iter_mut().for_each(|item| take_out(item, rest)),
        Value::Array(items) => {
            if let Some(item) = step.parse().ok().and_then(|i: usize| items.get_mut(i)) {
                take_out(item, rest);
            }
        }
        _ => {}
    }
}

/// Bytes as text of the same length: what is no UTF-8 becomes question marks.
fn readable(bytes: &[u8]) -> String {
    let chunks = bytes.utf8_chunks();
    chunks.map(|chunk| format!("{}{}", chunk.valid(), "?".repeat(chunk.invalid().len()))).collect()
}

/// Replaces stretches of the chunks of a body, given in order. The replacement stands where a stretch began.
fn replace(chunks: &mut [Bytes], stretches: &[Range<usize>]) {
    if stretches.is_empty() {
        return;
    }
    let mut at = 0;
    for bytes in chunks {
        let mut kept = Vec::with_capacity(bytes.len());
        for byte in bytes.iter() {
            match stretches
                .iter()
                .rev()
                .find(|stretch| stretch.start <= at)
                .filter(|stretch| at < stretch.end)
            {
                Some(stretch) if stretch.start == at => kept.extend_from_slice(SCRUBBED.as_bytes()),
                Some(_) => {}
                None => kept.push(*byte),
            }
            at += 1;
        }
        *bytes = kept.into();
    }
}
