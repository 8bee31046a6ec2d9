//! Google's generateContent, as AI Studio and Vertex AI speak it: streamed and whole, embeddings, model lists.
//!
//! References: <https://ai.google.dev/api/generate-content> and
//! <https://cloud.google.com/vertex-ai/generative-ai/docs/model-reference/inference>. What the wire asks for and a
//! request does not say:
//! - System and developer messages are the `systemInstruction`, in their order, wherever they stand.
//! - Messages of the role `tool` in a row are one turn of the user: Gemini wants all results of a turn together.
//!   A result is paired with its call by id, and where there is none by order; the wire wants the call's name.
//! - A result that is a JSON object is sent as it is, other text as `{"result": text}`, a failure as
//!   `{"error": text}`. Media of a result are its `parts`.
//! - A schema within the subset of OpenAPI 3.0 that Gemini takes is sent as `parameters` or `responseSchema`, any
//!   other as `parametersJsonSchema` or `responseJsonSchema`; one request has one of the two for all functions.
//! - A function that is `strict` makes the mode of calling `VALIDATED`, where it would be `AUTO`.
//! - Thinking is asked for by level or budget, as the model's family has it, and shown.
//! - A provider's tool is sent as it is, without a `type`: `{"type": "googleSearch"}` is `{"googleSearch": {}}`.
//! - Fields of [`Parameters::extra`] are sent as they are and win; in `generationConfig` and `toolConfig` field by
//!   field.
//!
//! Of an answer: a thought's signature is the signature of its reasoning part; every other part's is in its `extra`
//! under the wire's name. Code that the provider runs is a call by the provider, named `executableCode`, and other
//! tools it runs by their `toolType`; results are opaque parts. All of them go back as they came.
//!
//! [`Parameters::extra`]: belvedere_core::request::Parameters::extra

mod answer;
mod choice;
mod config;
mod decode;
mod embeddings;
mod encode;
mod endpoint;
mod finish;
mod media;
mod models;
mod part;
mod pieces;
mod results;
mod schema;
mod sources;
mod thinking;
mod tools;
mod usage;
mod wire;

use belvedere_core::SmolStr;
use belvedere_core::error::{Error, ErrorKind, Result};
use belvedere_core::provider::{Decoder, Framing, Lack, Provider};
use belvedere_core::request::{Operation, Request};
use belvedere_core::service::Info;
use bytes::Bytes;
use http::Uri;

use crate::capabilities;
use crate::fault::{FaultDecoder, Head};
use crate::incoming;
use crate::outgoing::{self, JSON, invalid};
pub use endpoint::GoogleEndpoint;

/// The name of the wire.
const WIRE: &str = "google.generate";

/// The name of a call that is code.
const EXECUTABLE_CODE: &str = "executableCode";

/// Google's wire.
///
/// ```
/// use belvedere_core::provider::Provider;
/// use belvedere_core::request::Request;
/// use belvedere_providers::google::Google;
///
/// let mut vertex = Google::vertex("my-project", "global")?;
/// vertex.model = Some("gemini-2.5-flash".into());
/// let outgoing = vertex.encode(&Request::from("hi"))?;
/// assert_eq!(
///     outgoing.uri(),
///     "https://aiplatform.googleapis.com/v1/projects/my-project/locations/global/publishers/google/models/\
///      gemini-2.5-flash:generateContent"
/// );
/// # Ok::<(), belvedere_core::Error>(())
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Google {
    /// The provider's name in errors and records. Default `google`, for Vertex AI `google_vertex`.
    pub name: SmolStr,
    /// The address, with or without the API's version at its end. Default
    /// `https://generativelanguage.googleapis.com` with `v1beta`; for Vertex AI that of the location with `v1`.
    pub base_url: Uri,
    /// The model when a request names none.
    pub model: Option<SmolStr>,
    /// Which of the two servers it is.
    pub backend: Backend,
}

/// A server of Google's wire.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Backend {
    /// The Gemini API, with keys of AI Studio (`x-goog-api-key`).
    AiStudio,
    /// Vertex AI, with OAuth tokens of Google Cloud.
    Vertex {
        /// The project's id.
        project: SmolStr,
        /// The location, such as `us-central1` or `global`.
        location: SmolStr,
    },
}

impl Default for Google {
    fn default() -> Self {
        Google {
            name: SmolStr::new_static("google"),
            base_url: Uri::from_static("https://generativelanguage.googleapis.com"),
            model: None,
            backend: Backend::AiStudio,
        }
    }
}

impl Google {
    /// AI Studio with a default model.
    pub fn new(model: impl Into<SmolStr>) -> Self {
        Google { model: Some(model.into()), ..Google::default() }
    }

    /// Vertex AI, at the address of the location
    /// (<https://cloud.google.com/vertex-ai/generative-ai/docs/learn/locations>).
    ///
    /// # Errors
    /// `ConfigInvalid` when project or location has characters that no address takes.
    pub fn vertex(project: impl Into<SmolStr>, location: impl Into<SmolStr>) -> Result<Self> {
        let (project, location) = (project.into(), location.into());
        for (field, text) in [("project", &project), ("location", &location)] {
            let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | ':');
            if text.is_empty() || !text.chars().all(plain) {
                return Err(Error::new(ErrorKind::ConfigInvalid, format!("{field}: is not an id")));
            }
        }
        let host = match location.as_str() {
            "global" => "aiplatform.googleapis.com".to_owned(),
            "us" | "eu" => format!("aiplatform.{location}.rep.googleapis.com"),
            location => format!("{location}-aiplatform.googleapis.com"),
        };
        let base_url = format!("https://{host}").parse();
        Ok(Google {
            name: SmolStr::new_static("google_vertex"),
            base_url: base_url
                .map_err(|_| Error::new(ErrorKind::ConfigInvalid, "location: makes no address"))?,
            model: None,
            backend: Backend::Vertex { project, location },
        })
    }

    fn model<'a>(&'a self, request: &'a Request) -> Result<&'a str> {
        outgoing::model(request, self.model.as_deref())
    }

    /// The path of a model: a name alone is one of Google's; a tuned model or an endpoint has its whole path.
    fn path_of(&self, model: &str) -> Result<String> {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '@' | '/' | '~');
        if !model.chars().all(plain) || model.split('/').any(|step| matches!(step, "" | "." | "..")) {
            return Err(invalid("model", "has characters that no model's name has"));
        }
        let path = match (&self.backend, model.contains('/')) {
            (Backend::AiStudio, false) => format!("models/{model}"),
            (Backend::AiStudio, true) => model.to_owned(),
            (Backend::Vertex { project, location }, _) => {
                let parent = format!("projects/{project}/locations/{location}");
                match model {
                    whole if whole.starts_with("projects/") => whole.to_owned(),
                    path if path.starts_with("publishers/") || path.starts_with("endpoints/") => {
                        format!("{parent}/{path}")
                    }
                    name => {
                        let name = name.strip_prefix("models/").unwrap_or(name);
                        format!("{parent}/publishers/google/models/{name}")
                    }
                }
            }
        };
        Ok(path)
    }

    /// The address of a path. A version at the end of the base counts; else it is `version`.
    fn address(&self, version: &str, path: &str) -> Result<Uri> {
        let base = self.base_url.to_string();
        let base = base.trim_end_matches('/');
        let own = base.rsplit('/').next().unwrap_or_default();
        let has_version = own.strip_prefix('v').is_some_and(|v| v.starts_with(|c: char| c.is_ascii_digit()));
        let uri = match has_version {
            true => format!("{base}/{path}"),
            false => format!("{base}/{version}/{path}"),
        };
        uri.parse().map_err(|_| Error::new(ErrorKind::ConfigInvalid, "base_url: is not an address"))
    }

    fn version(&self) -> &'static str {
        match self.backend {
            Backend::AiStudio => "v1beta",
            Backend::Vertex { .. } => "v1",
        }
    }

    /// The address of a method of a model.
    fn method(&self, request: &Request, method: &str) -> Result<Uri> {
        let path = self.path_of(self.model(request)?)?;
        self.address(self.version(), &format!("{path}:{method}"))
    }
}

impl Provider for Google {
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
        let (uri, body) = match request.operation {
            Operation::Chat => {
                let method = if request.stream { "streamGenerateContent?alt=sse" } else { "generateContent" };
                let uri = self.method(request, method)?;
                (uri, encode::body(self, self.model(request)?, request)?)
            }
            Operation::Embed => {
                let method = match self.backend {
                    Backend::AiStudio => "batchEmbedContents",
                    Backend::Vertex { .. } => "predict",
                };
                let path = self.path_of(self.model(request)?)?;
                let body = embeddings::body(&self.backend, &path, request);
                (self.method(request, method)?, Bytes::from(body.to_string()))
            }
            // 1000 is the most the wire gives at once; no one offers more.
            Operation::Models => {
                let uri = match self.backend {
                    Backend::AiStudio => self.address(self.version(), "models?pageSize=1000"),
                    Backend::Vertex { .. } => {
                        self.address("v1beta1", "publishers/google/models?pageSize=1000")
                    }
                };
                (uri?, Bytes::new())
            }
            _ => return Err(outgoing::no_operation()),
        };
        let streams = request.operation == Operation::Chat && request.stream;
        Ok(outgoing::ask(uri, if streams { "text/event-stream" } else { JSON }, body))
    }

    fn decode(&self, request: &Request, head: &http::response::Parts) -> Result<(Framing, Box<dyn Decoder>)> {
        let fault = Head::of(head);
        if !head.status.is_success() {
            return Ok((Framing::Json, Box::new(FaultDecoder(fault))));
        }
        match request.operation {
            Operation::Embed => return Ok((Framing::Json, Box::new(embeddings::Embeddings(fault)))),
            Operation::Models => return Ok((Framing::Json, Box::new(models::Models(fault)))),
            _ => {}
        }
        let framing = framing(request, head)?;
        Ok((
            framing,
            match framing {
                Framing::Json => Box::new(decode::Whole::new(fault)),
                _ => Box::new(decode::Stream::new(fault)),
            },
        ))
    }
}

/// How the body is cut. A stream without `alt=sse` is one JSON array.
fn framing(request: &Request, head: &http::response::Parts) -> Result<Framing> {
    let (whole, asked) = match request.stream {
        true => (Framing::JsonArray, Framing::Sse),
        false => (Framing::Json, Framing::Json),
    };
    let streams = [("text/event-stream", Framing::Sse), (JSON, whole)];
    incoming::framing(head, &streams, asked, "a stream of events")
}
