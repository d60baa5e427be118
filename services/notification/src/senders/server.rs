//! The mail server that `SMTP_URL` names, and a connection to it.

use std::time::Duration;

use lettre::transport::smtp::{
    Error, SMTP_PORT, SUBMISSION_PORT, SUBMISSIONS_PORT,
    authentication::{Credentials, DEFAULT_MECHANISMS},
    client::{AsyncSmtpConnection, Tls, TlsParameters},
    extension::ClientId,
};
use percent_encoding::percent_decode_str;
use url::Url;

/// How long one of the server's addresses may take to accept a connection; the next is tried then.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// A URL that names no mail server. Does not repeat it, for it may hold a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it must look like smtps://user:password@host:465 or smtp://host:587?tls=required")]
pub struct UnusableUrl;

/// Where mail goes, and as whom.
#[derive(Clone, Debug)]
pub(super) struct Server {
    host: String,
    port: u16,
    tls: Tls,
    hello: ClientId,
    credentials: Option<Credentials>,
}

impl Server {
    /// The server of a URL in lettre's notation: `smtps` is TLS from the start, `?tls=required` and
    /// `?tls=opportunistic` are STARTTLS, and neither is plain text.
    pub(super) fn new(url: &str, hello: ClientId) -> Result<Self, UnusableUrl> {
        let url = Url::parse(url).map_err(|_| UnusableUrl)?;
        let host = url.host_str().filter(|host| !host.is_empty()).ok_or(UnusableUrl)?;
        let wanted = url.query_pairs().find(|(name, _)| name == "tls").map(|(_, value)| value.into_owned());
        let parameters = || TlsParameters::new(host.to_owned()).map_err(|_| UnusableUrl);
        let (port, tls) = match (url.scheme(), wanted.as_deref()) {
            ("smtps", _) => (SUBMISSIONS_PORT, Tls::Wrapper(parameters()?)),
            ("smtp", Some("required")) => (SUBMISSION_PORT, Tls::Required(parameters()?)),
            ("smtp", Some("opportunistic")) => (SUBMISSION_PORT, Tls::Opportunistic(parameters()?)),
            ("smtp", None) => (SMTP_PORT, Tls::None),
            _ => return Err(UnusableUrl),
        };
        let plain = |text: &str| percent_decode_str(text).decode_utf8().map(|text| text.into_owned());
        let credentials = match url.password() {
            Some(password) => {
                let user = plain(url.username()).map_err(|_| UnusableUrl)?;
                Some(Credentials::new(user, plain(password).map_err(|_| UnusableUrl)?))
            }
            None => None,
        };
        // An IPv6 address has brackets in a URL and none elsewhere.
        let host = host.trim_matches(['[', ']']).to_owned();
        Ok(Self { host, port: url.port().unwrap_or(port), tls, hello, credentials })
    }

    /// A connection on which mail may begin. Only the connecting itself is bounded here.
    pub(super) async fn connect(&self) -> Result<AsyncSmtpConnection, Error> {
        let (at_once, on_request) = match &self.tls {
            Tls::None => (None, None),
            Tls::Wrapper(parameters) => (Some(parameters.clone()), None),
            Tls::Opportunistic(parameters) | Tls::Required(parameters) => (None, Some(parameters.clone())),
        };
        let server = (self.host.as_str(), self.port);
        let timeout = Some(CONNECT_TIMEOUT);
        let mut connection =
            AsyncSmtpConnection::connect_tokio1(server, timeout, &self.hello, at_once, None).await?;
        if let Some(parameters) = on_request
            && (matches!(self.tls, Tls::Required(_)) || connection.can_starttls())
        {
            connection.starttls(parameters, &self.hello).await?;
        }
        if let Some(credentials) = &self.credentials {
            connection.auth(DEFAULT_MECHANISMS, credentials).await?;
        }
        Ok(connection)
    }
}
