//! TLS: rustls with ring, trusting what the system trusts.

use std::path::Path;
use std::sync::Arc;

use belvedere_core::{Error, ErrorKind, Result};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::Verifier;

use super::options::HttpVersion;

/// The TLS configuration. The process-wide default of rustls is neither read nor set.
///
/// # Errors
/// `ConfigInvalid` when `ca_file` cannot be read, or holds no certificate.
pub(super) fn config(ca_file: Option<&Path>, http: HttpVersion) -> Result<ClientConfig> {
    let extra = ca_file.map_or(Ok(Vec::new()), certificates)?;
    let has_extra = !extra.is_empty();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let versions = ClientConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .map_err(|e| Error::new(ErrorKind::Unexpected, "TLS could not be set up").with_source(e))?;
    let mut config = match Verifier::new_with_extra_roots(extra, provider) {
        Ok(verifier) => versions.dangerous().with_custom_certificate_verifier(Arc::new(verifier)),
        Err(e) if has_extra => return Err(unusable(ca_file, "holds a certificate that is none", e)),
        // A machine without any authority (a bare container) can still speak http; https is refused there.
        Err(_) => versions.with_root_certificates(RootCertStore::empty()),
    }
    .with_no_client_auth();
    config.alpn_protocols = match http {
        HttpVersion::Auto => vec![b"h2".to_vec(), b"http/1.1".to_vec()],
        HttpVersion::Http1 => vec![b"http/1.1".to_vec()],
        HttpVersion::Http2 => vec![b"h2".to_vec()],
    };
    Ok(config)
}

fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>> {
    let all = CertificateDer::pem_file_iter(file)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|e| unusable(Some(file), "cannot be read as PEM", e))?;
    if all.is_empty() {
        return Err(unusable(Some(file), "holds no certificate", std::io::Error::other("empty")));
    }
    Ok(all)
}

fn unusable(
    file: Option<&Path>,
    what: &str,
    source: impl std::error::Error + Send + Sync + 'static,
) -> Error {
    let file = file.unwrap_or(Path::new("")).display().to_string();
    Error::new(ErrorKind::ConfigInvalid, format!("ca_file: {what}")).with("file", file).with_source(source)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ca_file_that_is_none_is_named() {
        let error = config(Some(Path::new("/nowhere/ca.pem")), HttpVersion::Auto).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConfigInvalid);
        assert_eq!(
            error.to_string(),
            "config invalid: ca_file: cannot be read as PEM; file: /nowhere/ca.pem"
        );
        let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml");
        let error = config(Some(&here), HttpVersion::Auto).unwrap_err();
        assert_eq!(error.message(), "ca_file: holds no certificate");
    }

    #[test]
    fn the_version_of_http_is_offered_in_the_handshake() {
        let offers = |http| config(None, http).unwrap().alpn_protocols;
        assert_eq!(offers(HttpVersion::Auto), [b"h2".to_vec(), b"http/1.1".to_vec()]);
        assert_eq!(offers(HttpVersion::Http1), [b"http/1.1".to_vec()]);
        assert_eq!(offers(HttpVersion::Http2), [b"h2".to_vec()]);
    }
}
