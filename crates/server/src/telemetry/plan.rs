//! `Plan`: where traces go, which of them, and as whose: what the file says, and over it the variables of the
//! environment that OpenTelemetry defines
//! (<https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/>).

use std::collections::BTreeMap;

use percent_encoding::percent_decode_str;
use trunkline::{Sampler, Secret};

use crate::settings::TelemetrySettings;

/// What exporting traces takes.
#[derive(Debug)]
pub(super) struct Plan {
    /// Where they are sent, with its path.
    pub(super) url: String,
    pub(super) headers: BTreeMap<String, Secret>,
    /// A file with certificates of a private authority.
    pub(super) certificate: Option<String>,
    pub(super) sampler: Sampler,
    /// What is said of this process.
    pub(super) resource: Vec<(String, String)>,
}

impl Plan {
    /// What to do; nothing unless an endpoint is named.
    pub(super) fn of(file: &TelemetrySettings, variable: impl Fn(&str) -> Option<String>) -> Option<Self> {
        if variable("OTEL_SDK_DISABLED").is_some_and(|value| value.eq_ignore_ascii_case("true")) {
            return None;
        }
        let base = variable("OTEL_EXPORTER_OTLP_ENDPOINT").or_else(|| file.otlp_endpoint.clone());
        let below = |base: String| format!("{}/v1/traces", base.trim_end_matches('/'));
        let url = variable("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT").or_else(|| base.map(below))?;
        if variable("OTEL_EXPORTER_OTLP_PROTOCOL").is_some_and(|protocol| protocol != "http/protobuf") {
            tracing::warn!(
                "traces are exported as http/protobuf alone; name an endpoint that takes it, usually on port 4318"
            );
        }
        let of_file = file.headers.iter().map(|(name, value)| (name.clone(), value.clone()));
        let added = variable("OTEL_EXPORTER_OTLP_HEADERS").unwrap_or_default();
        let added = pairs(&added).map(|(name, value)| (name, Secret::literal(value)));
        let headers = of_file.chain(added).map(|(name, value)| (name.to_ascii_lowercase(), value)).collect();
        Some(Self {
            url,
            headers,
            certificate: variable("OTEL_EXPORTER_OTLP_CERTIFICATE"),
            sampler: sampler(file, &variable),
            resource: resource(&variable),
        })
    }
}

/// A sampler that is not known is said, and otherwise none, as the specification demands.
fn sampler(file: &TelemetrySettings, variable: impl Fn(&str) -> Option<String>) -> Sampler {
    let of_file = Sampler { share: file.sample.unwrap_or(1.0), obeys_caller: true };
    let Some(name) = variable("OTEL_TRACES_SAMPLER") else { return of_file };
    let (obeys_caller, rest) = match name.strip_prefix("parentbased_") {
        Some(rest) => (true, rest),
        None => (false, &*name),
    };
    let share = match rest {
        "always_on" => 1.0,
        "always_off" => 0.0,
        "traceidratio" => match variable("OTEL_TRACES_SAMPLER_ARG").map(|share| share.parse()) {
            None => 1.0,
            Some(Ok(share)) if (0.0..=1.0).contains(&share) => share,
            Some(_) => {
                tracing::warn!("OTEL_TRACES_SAMPLER_ARG is no number from 0 to 1; all traces are recorded");
                1.0
            }
        },
        _ => {
            tracing::warn!(
                "OTEL_TRACES_SAMPLER names no sampler that is known here; use parentbased_traceidratio, for instance"
            );
            return of_file;
        }
    };
    Sampler { share, obeys_caller }
}

/// `service.name` is the one attribute that everybody needs; `OTEL_SERVICE_NAME` wins over a list that has it.
fn resource(variable: impl Fn(&str) -> Option<String>) -> Vec<(String, String)> {
    let mut all = BTreeMap::from(
        [("service.name", "trunkline"), ("service.version", env!("CARGO_PKG_VERSION"))]
            .map(|(key, value)| (key.to_owned(), value.to_owned())),
    );
    all.extend(pairs(&variable("OTEL_RESOURCE_ATTRIBUTES").unwrap_or_default()));
    all.extend(variable("OTEL_SERVICE_NAME").map(|name| ("service.name".to_owned(), name)));
    all.into_iter().collect()
}

/// `key=value,key=value`, the values percent-encoded where they need it. What is no pair is left out.
fn pairs(list: &str) -> impl Iterator<Item = (String, String)> {
    list.split(',').filter_map(|pair| pair.split_once('=')).map(|(key, value)| {
        (key.trim().to_owned(), percent_decode_str(value.trim()).decode_utf8_lossy().into_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(file: &TelemetrySettings, variables: &[(&str, &str)]) -> Option<Plan> {
        let variables: BTreeMap<_, _> = variables.iter().copied().collect();
        Plan::of(file, |name| variables.get(name).map(|&value| value.to_owned()))
    }

    fn file(endpoint: &str, sample: f64) -> TelemetrySettings {
        let headers = BTreeMap::from([("X-Tenant".to_owned(), Secret::literal("file"))]);
        TelemetrySettings { otlp_endpoint: Some(endpoint.to_owned()), headers, sample: Some(sample) }
    }

    const BASE: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";

    #[test]
    fn nothing_is_exported_unless_an_endpoint_is_named_and_nothing_disables_it() {
        let none = TelemetrySettings::default();
        assert!(plan(&none, &[("OTEL_SERVICE_NAME", "shop")]).is_none());
        assert!(plan(&file("http://f:4318", 1.0), &[("OTEL_SDK_DISABLED", "TRUE")]).is_none());
        assert!(plan(&none, &[(BASE, "http://e:4318"), ("OTEL_SDK_DISABLED", "no")]).is_some());
    }

    #[test]
    fn the_environment_wins_over_the_file_and_the_endpoint_of_traces_is_taken_as_it_is() {
        let file = file("http://f:4318/", 0.5);
        let url = |variables: &[(&str, &str)]| plan(&file, variables).unwrap().url;
        assert_eq!(url(&[]), "http://f:4318/v1/traces");
        assert_eq!(url(&[(BASE, "http://e:4318/otlp")]), "http://e:4318/otlp/v1/traces");
        let exact = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://t:1/in");
        assert_eq!(url(&[(BASE, "http://e:4318"), exact]), "http://t:1/in");
    }

    #[test]
    fn headers_are_decoded_and_join_those_of_the_file() {
        let variables =
            [("OTEL_EXPORTER_OTLP_HEADERS", "Authorization=Basic%20dXNlcg==, x-tenant = env,junk")];
        let headers = plan(&file("http://f", 1.0), &variables).unwrap().headers;
        let shown: Vec<_> =
            headers.iter().map(|(name, value)| format!("{name}: {}", value.expose().unwrap())).collect();
        assert_eq!(shown, ["authorization: Basic dXNlcg==", "x-tenant: env"]);
    }

    #[test]
    fn a_sampler_is_a_share_and_whether_callers_are_obeyed() {
        let file = file("http://f", 0.5);
        for (name, argument, share, obeys_caller) in [
            (None, None, 0.5, true),
            (Some("always_on"), None, 1.0, false),
            (Some("always_off"), None, 0.0, false),
            (Some("parentbased_always_on"), None, 1.0, true),
            (Some("parentbased_always_off"), None, 0.0, true),
            (Some("traceidratio"), Some("0.25"), 0.25, false),
            (Some("parentbased_traceidratio"), Some("0.25"), 0.25, true),
            (Some("parentbased_traceidratio"), None, 1.0, true),
            (Some("parentbased_traceidratio"), Some("25%"), 1.0, true),
            (Some("parentbased_traceidratio"), Some("NaN"), 1.0, true),
            (Some("jaeger_remote"), None, 0.5, true),
        ] {
            let variables = [("OTEL_TRACES_SAMPLER", name), ("OTEL_TRACES_SAMPLER_ARG", argument)];
            let set: Vec<_> =
                variables.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
            let sampler = plan(&file, &set).unwrap().sampler;
            assert_eq!(sampler, Sampler { share, obeys_caller }, "{set:?}");
        }
    }

    #[test]
    fn the_resource_is_named_even_if_nobody_names_it() {
        let attributes =
            ("OTEL_RESOURCE_ATTRIBUTES", "service.name=listed,deployment.environment.name=a%2Cb");
        let resource = |variables: &[(&str, &str)]| -> BTreeMap<_, _> {
            plan(&file("http://f", 1.0), variables).unwrap().resource.into_iter().collect()
        };
        assert_eq!(resource(&[])["service.name"], "trunkline");
        assert_eq!(resource(&[attributes])["service.name"], "listed");
        let all = resource(&[attributes, ("OTEL_SERVICE_NAME", "named")]);
        assert_eq!((&*all["service.name"], &*all["deployment.environment.name"]), ("named", "a,b"));
    }
}
