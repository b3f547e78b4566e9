//! The macros that make a client of a list of actions, and structs of what they give.

/// A client: for each action a method that takes what it needs, and a struct that takes what it may have and is awaited. A
/// name on the wire that is not the one in Rust follows it: `last_name as "LastName"`.
macro_rules! client {
    (
        $(#[$about:meta])*
        $client:ident of $vendor:literal;
        $(
            $(#[$doc:meta])*
            $action:ident => $Ask:ident ($($need:ident $(as $needed:literal)?: $needs:ty),*) -> $Gives:ty $(, of $Item:ty)? {
                $($(#[$may_doc:meta])* $may:ident $(as $wire:literal)?: $mays:ty,)*
            }
        )*
    ) => {
        $(#[$about])*
        #[derive(Debug, Clone)]
        pub struct $client(std::sync::Arc<$crate::Handle>);

        impl $client {
            /// The client of an integration with this connector, be it a tenant's: what
            /// [`Manager::get`](crate::Manager::get) or [`Manager::connection`](crate::Manager::connection) gives.
            ///
            /// # Errors
            ///
            /// `invalid_config` where it has another connector.
            pub fn over(handle: std::sync::Arc<$crate::Handle>) -> trunkline_core::Result<Self> {
                crate::clients::ask::check(handle, $vendor).map(Self)
            }

            /// A client with settings: the keys of an integration, such as `inputs`, `base_url`, `timeout` or
            /// `rate_limit`. It is neither stored nor listed, and goes with its last clone.
            ///
            /// # Errors
            ///
            /// `invalid_config` or `unsupported`, naming the key.
            pub fn open(manager: &$crate::Manager, config: serde_json::Value) -> trunkline_core::Result<Self> {
                crate::clients::ask::open(manager, $vendor, config).map(Self)
            }

            /// What calls go through.
            pub fn handle(&self) -> &std::sync::Arc<$crate::Handle> {
                &self.0
            }

            $(
                $(#[$doc])*
                pub fn $action(&self, $($need: $needs),*) -> $Ask {
                    #[allow(unused_mut, reason = "some actions need nothing")]
                    let mut ask = crate::clients::ask::Ask::new(&self.0, stringify!($action));
                    $(ask.give(wire!($need $(as $needed)?), $need);)*
                    $Ask(ask)
                }
            )*

            /// The actions, with what they take, for comparing them with the manifest.
            #[cfg(test)]
            pub(super) const KNOWN: &'static [crate::clients::tests::Known] = &[$(
                crate::clients::tests::Known {
                    action: stringify!($action),
                    needs: &[$((wire!($need $(as $needed)?), stringify!($needs))),*],
                    may: &[$((wire!($may $(as $wire)?), stringify!($mays))),*],
                    listed: [$(stringify!($Item),)? ""][0],
                }
            ),*];
        }

        $(
            #[doc = concat!("What [`", stringify!($client), "::", stringify!($action), "`] asks for. Nothing is sent until it is awaited.")]
            #[must_use = "nothing is sent until it is awaited"]
            #[allow(missing_debug_implementations, reason = "what it holds may be personal")]
            pub struct $Ask(crate::clients::ask::Ask<$Gives>);

            impl $Ask {
                $(
                    $(#[$may_doc])*
                    pub fn $may(mut self, $may: $mays) -> Self {
                        self.0.give(wire!($may $(as $wire)?), $may);
                        self
                    }
                )*

                /// Sends the vendor's parameter `name`, where it takes others than those named here.
                pub fn with(mut self, name: &str, value: impl Into<serde_json::Value>) -> Self {
                    self.0.give(name, value);
                    self
                }

                /// The key by which the vendor knows a repetition. Unless given, each call has a new one. Lists take none.
                pub fn idempotency_key(mut self, key: impl Into<String>) -> Self {
                    self.0.key(key.into());
                    self
                }

                /// Ends the call after so long, with all its attempts; of a list the call for each page.
                pub fn within(mut self, timeout: std::time::Duration) -> Self {
                    self.0.within(timeout);
                    self
                }

                $(
                    /// The records of all pages, one by one.
                    pub fn records(self) -> crate::clients::Records<$Item> {
                        crate::clients::Records::new(&self.0)
                    }
                )?
            }

            impl std::future::IntoFuture for $Ask {
                type Output = trunkline_core::Result<$Gives>;
                type IntoFuture = trunkline_core::BoxFuture<'static, Self::Output>;

                fn into_future(self) -> Self::IntoFuture {
                    Box::pin(self.0.send())
                }
            }
        )*
    };
}

/// The name of an input on the wire.
macro_rules! wire {
    (r#type) => {
        "type"
    };
    ($name:ident) => {
        stringify!($name)
    };
    ($name:ident as $wire:literal) => {
        $wire
    };
}

/// Structs of what is given. What a vendor adds is in `more`.
macro_rules! gives {
    ($($(#[$doc:meta])* $Name:ident $(<$T:ident>)? { $($(#[$field_doc:meta])* $field:ident: $type:ty,)* })*) => {
        $(
            $(#[$doc])*
            #[derive(Debug, Clone, serde::Deserialize)]
            #[non_exhaustive]
            pub struct $Name $(<$T>)? {
                $($(#[$field_doc])* pub $field: $type,)*
                /// What else the answer has.
                #[serde(flatten)]
                pub more: serde_json::Map<String, serde_json::Value>,
            }

            impl $(<$T>)? $Name $(<$T>)? {
                /// The fields by name, for comparing them with the manifest.
                #[cfg(test)]
                #[allow(dead_code, reason = "of some the manifest says less")]
                pub(in crate::clients) const FIELDS: &'static [&'static str] = &[$(stringify!($field)),*];
            }
        )*
    };
}
