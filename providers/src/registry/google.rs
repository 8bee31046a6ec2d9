//! Google: AI Studio by key, Vertex AI by the credentials of a project.

use belvedere_core::credentials::Secret;
use belvedere_core::error::Result;
use belvedere_core::service::Stack;
use http::{HeaderMap, HeaderValue};

use super::target::{Key, Target};
#[cfg(feature = "anthropic")]
use crate::anthropic::VertexAnthropic;
use crate::credentials::{Google as Credentials, Token};
use crate::google::Google;
use crate::settings::{Auth, Signer, invalid};

/// The Gemini API of AI Studio.
pub(super) fn studio(target: &Target<'_>) -> Result<Stack> {
    target.takes(&[])?;
    let provider = Google {
        base_url: target.address(&[], Some("https://generativelanguage.googleapis.com"))?,
        model: target.settings.model.as_deref().map(Into::into),
        ..Google::default()
    };
    // The two names that Google's own clients read, in their order.
    let key =
        Key { header: Some("x-goog-api-key"), env: &["GOOGLE_API_KEY", "GEMINI_API_KEY"], needed: true };
    target.stack(provider, target.signer(&key, &[])?)
}

/// The wires of Vertex AI: Google's own models, and Anthropic's.
#[cfg(feature = "anthropic")]
const WIRES: &[&str] = &["google.generate", "anthropic.messages"];
#[cfg(not(feature = "anthropic"))]
const WIRES: &[&str] = &["google.generate"];

/// A project of Vertex AI.
pub(super) fn vertex(target: &Target<'_>) -> Result<Stack> {
    target.takes(&["wire", "project", "region"])?;
    let wire = target.wire(WIRES)?;
    let found = credentials(target)?;
    let settings = target.settings;
    let project = settings.project.clone().or(found.project);
    let project = target.need("project", &project, &["GOOGLE_CLOUD_PROJECT"])?;
    let region =
        settings.region.clone().or_else(|| target.env(&["GOOGLE_CLOUD_LOCATION", "CLOUD_ML_REGION"]));
    let region = region.unwrap_or_else(|| "global".to_owned());
    let model = settings.model.as_deref().map(Into::into);
    let base_url = settings.base_url.as_ref().map(|_| settings.address(None)).transpose()?;
    #[cfg(feature = "anthropic")]
    if wire == "anthropic.messages" {
        let mut provider = VertexAnthropic::new(project, region)?;
        provider.base_url = base_url.unwrap_or(provider.base_url);
        provider.model = model;
        return target.stack_with(provider, found.signer, found.headers);
    }
    let _ = wire;
    let mut provider = Google::vertex(project, region)?;
    provider.base_url = base_url.unwrap_or(provider.base_url);
    provider.model = model;
    target.stack_with(provider, found.signer, found.headers)
}

/// Who calls, and what goes with it.
struct Found {
    signer: Signer,
    /// The project that the credentials belong to.
    project: Option<String>,
    headers: HeaderMap,
}

/// Credentials as they were set, or those that Google's own clients find ("How Application Default Credentials
/// works"): the file of `GOOGLE_APPLICATION_CREDENTIALS`, what `gcloud` left, the metadata server.
fn credentials(target: &Target<'_>) -> Result<Found> {
    let settings = target.settings;
    let key = Key { header: Some("x-goog-api-key"), env: &[], needed: false };
    let google = match &settings.credentials {
        _ if settings.signer.is_some() || settings.api_key.is_some() => None,
        Some(Auth::ServiceAccount { key }) => Some(
            Credentials::from_document(key)
                .map_err(|e| invalid(format!("credentials.key: {}", e.message())))?,
        ),
        Some(_) => None,
        None => Some(ambient(target)?),
    };
    let Some(google) = google else {
        let signer = target.signer(&key, &["service_account", "metadata"])?;
        return Ok(Found { signer, project: None, headers: HeaderMap::new() });
    };
    let mut headers = HeaderMap::new();
    if let Some(payer) = &google.quota_project {
        let value = HeaderValue::from_str(payer);
        headers
            .insert("x-goog-user-project", value.map_err(|_| invalid("the key document: quota_project_id"))?);
    }
    Ok(Found { project: google.project.clone(), signer: Signer::new(Token::new(google)), headers })
}

fn ambient(target: &Target<'_>) -> Result<Credentials> {
    const VARIABLE: &str = "GOOGLE_APPLICATION_CREDENTIALS";
    let read = |path: &str| std::fs::read_to_string(path).map(Secret::new);
    if let Some(path) = target.env(&[VARIABLE]) {
        let document =
            read(&path).map_err(|e| invalid(format!("{VARIABLE}: can't be read: {}", e.kind())))?;
        return Credentials::from_document(&document)
            .map_err(|e| invalid(format!("{VARIABLE}: {}", e.message())));
    }
    let own = |home: String| format!("{home}/.config/gcloud/application_default_credentials.json");
    let windows = |data: String| format!("{data}/gcloud/application_default_credentials.json");
    let path = target.env(&["HOME"]).map(own).or_else(|| target.env(&["APPDATA"]).map(windows));
    match path.and_then(|path| read(&path).ok()) {
        Some(document) => Credentials::from_document(&document),
        None => Ok(Credentials::metadata()),
    }
}
