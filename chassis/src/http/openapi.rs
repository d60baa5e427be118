//! The OpenAPI document of a service, made from its handlers, and the page to try it.
//!
//! A service builds its routes with [`OpenApiRouter`] and [`routes!`]; the chassis adds its own
//! routes, the problem document that every operation may answer with, and serves all of it at
//! `/openapi.json` and `/docs`.

use axum::{Router, http::StatusCode};
use shared_events::Service;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        ContentBuilder, InfoBuilder, LicenseBuilder, ObjectBuilder, OpenApi, Ref, RefOr, Response,
        ResponseBuilder, Schema, path::Operation, schema::Type,
    },
};
use utoipa_swagger_ui::SwaggerUi;

pub use utoipa_axum::{
    router::{OpenApiRouter, UtoipaMethodRouterExt},
    routes,
};

use super::FieldError;

/// Where the document is.
const DOCUMENT_PATH: &str = "/openapi.json";
/// Where the page to try it is.
const PAGE_PATH: &str = "/docs";

/// The schema of a problem document, for the OpenAPI document only: [`super::Problem`] is what
/// handlers return, and the layer around all routes writes it.
#[derive(Debug)]
struct ProblemDocument;

impl PartialSchema for ProblemDocument {
    fn schema() -> RefOr<Schema> {
        let text =
            |description: &str| ObjectBuilder::new().schema_type(Type::String).description(Some(description));
        ObjectBuilder::new()
            .description(Some("RFC 9457: what went wrong, and what to do about it."))
            .property("type", text("Identifies the kind of problem: `urn:problem:<code>`."))
            .property("title", text("The status in words."))
            .property("status", ObjectBuilder::new().schema_type(Type::Integer))
            .property("code", text("A stable word a program can react to."))
            .property("detail", text("What is wrong here, and what to do."))
            .property("instance", text("The path that was asked for."))
            .property("correlation_id", text("Look for it in the logs."))
            .property("errors", FieldError::schema_list())
            .required("type")
            .required("title")
            .required("status")
            .required("detail")
            .into()
    }
}

impl ToSchema for ProblemDocument {
    fn name() -> std::borrow::Cow<'static, str> {
        "Problem".into()
    }
}

trait SchemaList: PartialSchema {
    fn schema_list() -> RefOr<Schema> {
        utoipa::openapi::ArrayBuilder::new()
            .items(Self::schema())
            .description(Some("One entry for each bad field."))
            .into()
    }
}

impl SchemaList for FieldError {}

/// The routes, with the document at `/openapi.json` and the page at `/docs`.
pub(crate) fn with_document(service: Service, router: OpenApiRouter) -> Router {
    let (routes, mut document) = router.split_for_parts();
    complete(service, &mut document);
    routes.merge(SwaggerUi::new(PAGE_PATH).url(DOCUMENT_PATH, document))
}

/// What no handler says: whose document it is, and that every operation may answer with a problem.
fn complete(service: Service, document: &mut OpenApi) {
    document.info = InfoBuilder::new()
        .title(format!("{service} service"))
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(
            "Amounts are JSON numbers with two decimals. Errors are `application/problem+json`. `x-correlation-id` and \
             `traceparent` are taken over from the request and returned.",
        ))
        .license(Some(LicenseBuilder::new().name("MIT").identifier(Some("MIT")).build()))
        .build();
    let components = document.components.get_or_insert_default();
    components.schemas.insert(ProblemDocument::name().into_owned(), ProblemDocument::schema());
    let problem = ResponseBuilder::new()
        .description("A problem: 400 unreadable, 404 unknown, 409 refused, 422 bad fields, 503 try again.")
        .content(
            "application/problem+json",
            ContentBuilder::new().schema(Some(Ref::from_schema_name(ProblemDocument::name()))).build(),
        )
        .build();
    for item in document.paths.paths.values_mut() {
        let operations: [&mut Option<Operation>; 5] =
            [&mut item.get, &mut item.post, &mut item.put, &mut item.patch, &mut item.delete];
        for operation in operations.into_iter().flatten() {
            let responses = &mut operation.responses.responses;
            for (status, response) in responses.iter_mut() {
                complete_response(status, response, &problem);
            }
            responses.entry("default".to_owned()).or_insert_with(|| problem.clone().into());
        }
    }
}

/// What no annotation has to repeat: the specification wants a description of every response, and a
/// refusal that says nothing else about its body is a problem.
fn complete_response(status: &str, response: &mut RefOr<Response>, problem: &Response) {
    let RefOr::T(response) = response else { return };
    let status = status.parse::<StatusCode>().ok();
    if response.description.is_empty() {
        let words = status.and_then(|status| status.canonical_reason());
        response.description = words.unwrap_or("An answer").to_owned();
    }
    if response.content.is_empty()
        && status.is_some_and(|status| status.is_client_error() || status.is_server_error())
    {
        response.content = problem.content.clone();
    }
}
