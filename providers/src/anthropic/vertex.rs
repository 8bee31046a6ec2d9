//! Anthropic's models on Google's Vertex AI: the same messages, at another address.
//!
//! Reference: "Claude on Vertex AI" of Anthropic, and Google's "Request predictions with Claude models": the model
//! stands in the address, and the version of the messages in the body.

use belvedere_core::SmolStr;
use belvedere_core::error::Result;
use belvedere_core::provider::{Decoder, Framing, Lack, Provider};
use belvedere_core::request::{Operation, Request};
use belvedere_core::service::Info;
use bytes::Bytes;
use http::Uri;
use serde_json::{Map, json};

use super::encode::hosted;
use super::{Anthropic, WIRE};
use crate::capabilities;
use crate::google::Google;
use crate::outgoing::{self, JSON, address};

/// The version of Anthropic's messages that Vertex AI has, in every body.
const VERSION: &str = "vertex-2023-10-16";

/// Anthropic's messages on Vertex AI.
///
/// ```
/// use belvedere_core::provider::Provider;
/// use belvedere_core::request::Request;
/// use belvedere_providers::anthropic::VertexAnthropic;
///
/// let vertex = VertexAnthropic::new("my-project", "global")?;
/// let request = vertex.encode(&Request::from("hi").with_model("claude-sonnet-4-5@20250929"))?;
/// assert_eq!(
///     request.uri().path(),
///     "/v1/projects/my-project/locations/global/publishers/anthropic/models/claude-sonnet-4-5@20250929:rawPredict"
/// );
/// # Ok::<(), belvedere_core::Error>(())
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct VertexAnthropic {
    /// The provider's name in errors and records. Default `google_vertex`.
    pub name: SmolStr,
    /// The address of the location.
    pub base_url: Uri,
    /// The model when a request names none.
    pub model: Option<SmolStr>,
    /// The project's id.
    pub project: SmolStr,
    /// The location, such as `us-east5` or `global`.
    pub location: SmolStr,
    /// The token limit of the answer when a request sets none: the wire asks for one. Default 4096. A budget for
    /// thinking comes on top.
    pub max_tokens: u64,
}

impl VertexAnthropic {
    /// The wire in a location, at its own address.
    ///
    /// # Errors
    /// `ConfigInvalid` when project or location has characters that no address takes.
    pub fn new(project: impl Into<SmolStr>, location: impl Into<SmolStr>) -> Result<Self> {
        let (project, location) = (project.into(), location.into());
        let Google { name, base_url, .. } = Google::vertex(project.clone(), location.clone())?;
        Ok(VertexAnthropic { name, base_url, model: None, project, location, max_tokens: 4096 })
    }

    fn uri(&self, request: &Request) -> Result<Uri> {
        let model = outgoing::model(request, self.model.as_deref())?;
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '@');
        if !model.chars().all(plain) {
            return Err(outgoing::invalid("model", "has characters that no model's name has"));
        }
        let action = if request.stream { "streamRawPredict" } else { "rawPredict" };
        let Self { project, location, .. } = self;
        let parent = format!("/v1/projects/{project}/locations/{location}");
        address(&self.base_url, "/v1", &format!("{parent}/publishers/anthropic/models/{model}:{action}"))
    }
}

impl Provider for VertexAnthropic {
    fn info(&self) -> Info {
        Info::new(self.name.clone(), WIRE).with_model(self.model.clone())
    }

    fn base_url(&self) -> &Uri {
        &self.base_url
    }

    fn fit(&self, request: &mut Request) -> Vec<Lack> {
        capabilities::fit(WIRE, &self.name, self.model.as_deref(), request)
    }

    fn encode(&self, request: &Request) -> Result<http::Request<Bytes>> {
        if request.operation != Operation::Chat {
            return Err(outgoing::unsupported("operation", "this wire has chat only"));
        }
        let mut fields = Map::from_iter([("anthropic_version".to_owned(), json!(VERSION))]);
        if request.stream {
            fields.insert("stream".to_owned(), json!(true));
        }
        let model = request.model.as_deref().or(self.model.as_deref()).unwrap_or_default();
        let body = hosted(request, model, self.max_tokens, fields)?;
        Ok(outgoing::ask(self.uri(request)?, if request.stream { "text/event-stream" } else { JSON }, body))
    }

    fn decode(&self, request: &Request, head: &http::response::Parts) -> Result<(Framing, Box<dyn Decoder>)> {
        Anthropic::default().decode(request, head)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn the_model_stands_in_the_address_and_the_version_in_the_body() {
        let vertex = VertexAnthropic::new("p", "us-east5").unwrap();
        let mut request = Request::from("hi").with_model("claude-haiku-4-5@20251001");
        let sent = |request: &Request| {
            let sent = vertex.encode(request).unwrap();
            (sent.uri().to_string(), serde_json::from_slice::<Value>(sent.body()).unwrap())
        };
        let at = "https://us-east5-aiplatform.googleapis.com/v1/projects/p/locations/us-east5/publishers/anthropic";
        let messages = json!([{ "role": "user", "content": [{ "type": "text", "text": "hi" }] }]);
        let (uri, body) = sent(&request);
        assert_eq!(uri, format!("{at}/models/claude-haiku-4-5@20251001:rawPredict"));
        let expected =
            json!({ "anthropic_version": "vertex-2023-10-16", "max_tokens": 4096, "messages": messages });
        assert_eq!(body, expected);
        request.stream = true;
        let (uri, body) = sent(&request);
        assert_eq!(uri, format!("{at}/models/claude-haiku-4-5@20251001:streamRawPredict"));
        assert_eq!(body["stream"], true);
        let error = vertex.encode(&Request::from("hi").with_model("../x")).unwrap_err();
        assert!(error.message().starts_with("model: "), "{error}");
    }
}
