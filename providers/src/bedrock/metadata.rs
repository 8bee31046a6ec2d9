//! Keys that a machine on AWS is lent: by its container's agent, or by the instance's metadata service.

use std::path::PathBuf;
use std::time::Duration;

use async_trait::async_trait;
use belvedere_core::context::Context;
use belvedere_core::credentials::Secret;
use belvedere_core::error::{Error, ErrorKind, Result};
use bytes::{Bytes, BytesMut};
use futures_util::future::{Either, select};
use futures_util::{FutureExt, StreamExt, pin_mut};
use http::header::AUTHORIZATION;
use http::{HeaderName, HeaderValue, Method, Uri};
use serde::Deserialize;

use super::keys::{AwsKeys, KeySource};

/// More than this is no answer of these services, in bytes.
const LIMIT: usize = 64 << 10;

/// How long one answer is waited for: the services are on the machine, and elsewhere nobody answers.
const WAIT: Duration = Duration::from_secs(2);

/// The agent of ECS (<https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-iam-roles.html>).
const ECS: &str = "169.254.170.2";

/// Where credentials may be asked for without TLS: this machine, and the agents of ECS and EKS
/// (<https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html>).
const PLAIN_HOSTS: [&str; 6] = ["localhost", "127.0.0.1", "[::1]", ECS, "169.254.170.23", "[fd00:ec2::23]"];

/// The keys of a container's role: ECS, and EKS with Pod Identity.
#[derive(Debug, Clone)]
pub struct Container {
    address: Uri,
    token: Token,
}

/// What the agent is shown.
#[derive(Debug, Clone)]
enum Token {
    None,
    Given(Secret),
    /// A file that is written anew from time to time.
    File(PathBuf),
}

impl Container {
    /// The agent of `AWS_CONTAINER_CREDENTIALS_RELATIVE_URI` or `AWS_CONTAINER_CREDENTIALS_FULL_URI`, with the token
    /// of `AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE` or `AWS_CONTAINER_AUTHORIZATION_TOKEN`; `None` without an
    /// address.
    ///
    /// # Errors
    /// `ConfigInvalid` when the address is none, or one that keys are not taken from.
    pub fn from_env(env: impl Fn(&str) -> Option<String>) -> Result<Option<Self>> {
        const FULL: &str = "AWS_CONTAINER_CREDENTIALS_FULL_URI";
        let given = |name| env(name).filter(|text: &String| !text.is_empty());
        let relative = given("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
        let Some(address) = relative.map(|path| format!("http://{ECS}{path}")).or_else(|| given(FULL)) else {
            return Ok(None);
        };
        let invalid = |what: &str| Error::new(ErrorKind::ConfigInvalid, format!("{FULL}: {what}"));
        let address: Uri = address.parse().map_err(|_| invalid("is not an address"))?;
        let host = address.host().ok_or_else(|| invalid("must be absolute"))?;
        if address.scheme_str() != Some("https") && !PLAIN_HOSTS.contains(&host) {
            return Err(invalid("must be an https address, or an agent on this machine"));
        }
        let file = given("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE").map(|path| Token::File(path.into()));
        let text = || given("AWS_CONTAINER_AUTHORIZATION_TOKEN").map(|text| Token::Given(Secret::new(text)));
        Ok(Some(Container { address, token: file.or_else(text).unwrap_or(Token::None) }))
    }
}

#[async_trait]
impl KeySource for Container {
    async fn keys(&self, cx: &Context) -> Result<AwsKeys> {
        let mut request = request(Method::GET, self.address.clone());
        let token = match &self.token {
            Token::None => None,
            Token::Given(token) => Some(token.clone()),
            Token::File(path) => Some(std::fs::read_to_string(path).map(Secret::new).map_err(|e| {
                Error::new(ErrorKind::Unauthorized, "the file of the container's token can't be read")
                    .with_source(e)
            })?),
        };
        if let Some(token) = token {
            request.headers_mut().insert(AUTHORIZATION, secret(&token)?);
        }
        granted(&ask(cx, request).await?)
    }
}

/// The keys of an instance's role, by version 2 of the metadata service
/// (<https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instance-metadata-v2-how-it-works.html>).
#[derive(Debug, Clone)]
pub struct InstanceMetadata {
    address: String,
}

impl Default for InstanceMetadata {
    fn default() -> Self {
        InstanceMetadata { address: "http://169.254.169.254".to_owned() }
    }
}

impl InstanceMetadata {
    /// The service at another address, such as `http://[fd00:ec2::254]`.
    pub fn at(address: &str) -> Self {
        InstanceMetadata { address: address.trim_end_matches('/').to_owned() }
    }

    fn uri(&self, path: &str) -> Result<Uri> {
        let invalid = |_| Error::new(ErrorKind::ConfigInvalid, "the metadata service's address is none");
        format!("{}/latest/{path}", self.address).parse().map_err(invalid)
    }
}

#[async_trait]
impl KeySource for InstanceMetadata {
    async fn keys(&self, cx: &Context) -> Result<AwsKeys> {
        const ROLES: &str = "meta-data/iam/security-credentials/";
        let mut asking = request(Method::PUT, self.uri("api/token")?);
        let lifetime = HeaderName::from_static("x-aws-ec2-metadata-token-ttl-seconds");
        // The longest there is; it is used twice, at once.
        asking.headers_mut().insert(lifetime, HeaderValue::from_static("21600"));
        let token = Secret::new(text(&ask(cx, asking).await?)?);
        let shown = |uri: Uri| {
            let mut request = request(Method::GET, uri);
            let name = HeaderName::from_static("x-aws-ec2-metadata-token");
            request.headers_mut().insert(name, secret(&token)?);
            Ok::<_, Error>(request)
        };
        let roles = text(&ask(cx, shown(self.uri(ROLES)?)?).await?)?;
        let role = roles.lines().next().unwrap_or_default().trim();
        granted(&ask(cx, shown(self.uri(&format!("{ROLES}{role}"))?)?).await?)
    }
}

fn request(method: Method, uri: Uri) -> http::Request<Bytes> {
    let mut request = http::Request::new(Bytes::new());
    *request.method_mut() = method;
    *request.uri_mut() = uri;
    request
}

fn secret(token: &Secret) -> Result<HeaderValue> {
    let mut value = HeaderValue::from_str(token.expose().trim()).map_err(|_| {
        Error::new(
            ErrorKind::Unauthorized,
            "a token for keys of AWS has characters that no HTTP header takes",
        )
    })?;
    value.set_sensitive(true);
    Ok(value)
}

/// Asks for a small answer, and does not wait for long.
async fn ask(cx: &Context, request: http::Request<Bytes>) -> Result<Bytes> {
    let answer = receive(cx, request).fuse();
    let patience = cx.lent.clock.sleep(WAIT).fuse();
    pin_mut!(answer);
    match select(answer, patience).await {
        Either::Left((answer, _)) => answer,
        Either::Right(_) => {
            Err(Error::new(ErrorKind::Unauthorized, "the service that lends keys of AWS does not answer"))
        }
    }
}

async fn receive(cx: &Context, request: http::Request<Bytes>) -> Result<Bytes> {
    let (head, mut chunks) = cx.lent.transport.send(request, None).await?.into_parts();
    let mut body = BytesMut::new();
    while let Some(chunk) = chunks.next().await {
        body.extend_from_slice(&chunk?);
        if body.len() > LIMIT {
            let what = "the answer with keys of AWS is longer than 64 KiB";
            return Err(Error::new(ErrorKind::Malformed, what));
        }
    }
    match head.status.as_u16() {
        200..=299 => Ok(body.freeze()),
        status @ (429 | 500..) => {
            let what = "the service that lends keys of AWS failed on its side";
            Err(Error::new(ErrorKind::Overloaded, what).with("status", status.to_string()))
        }
        status => {
            let what = "the service that lends keys of AWS refused; does the machine have a role?";
            Err(Error::new(ErrorKind::Unauthorized, what).with("status", status.to_string()))
        }
    }
}

fn text(body: &[u8]) -> Result<String> {
    let text = std::str::from_utf8(body).ok().map(str::trim).filter(|text| !text.is_empty());
    text.map(str::to_owned).ok_or_else(unreadable)
}

/// The keys in an answer; both services have the same.
fn granted(body: &[u8]) -> Result<AwsKeys> {
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Granted {
        access_key_id: String,
        secret_access_key: Secret,
        token: Option<Secret>,
        expiration: Option<String>,
    }
    let granted: Granted = serde_json::from_slice(body).map_err(|_| unreadable())?;
    let mut keys = AwsKeys::new(granted.access_key_id, granted.secret_access_key);
    keys.session_token = granted.token;
    let end = granted.expiration.map(|end| humantime::parse_rfc3339(&end)).transpose();
    keys.expires = end.map_err(|_| unreadable())?;
    Ok(keys)
}

fn unreadable() -> Error {
    Error::new(ErrorKind::Malformed, "the answer of the service that lends keys of AWS can't be read")
}
