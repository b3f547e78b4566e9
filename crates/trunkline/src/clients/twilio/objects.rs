//! What Twilio gives. <https://www.twilio.com/docs/usage/api>

gives! {
    /// A text message.
    Message {
        /// Its id, `SM…` or `MM…`.
        sid: String,
        /// Such as `queued`, `sent`, `delivered`, `undelivered` or `failed`.
        status: String,
        /// Whom it is for.
        to: Option<String>,
        /// Who sends it; none until a messaging service has chosen.
        from: Option<String>,
        /// Its text.
        body: Option<String>,
        /// Such as `outbound-api` or `inbound`.
        direction: Option<String>,
        /// Why it failed. <https://www.twilio.com/docs/api/errors>
        error_code: Option<i64>,
        /// The same in words.
        error_message: Option<String>,
        /// What it costs, as a decimal number; not known at once.
        price: Option<String>,
        /// When it was made, as in RFC 2822.
        date_created: Option<String>,
        /// When it was sent, as in RFC 2822.
        date_sent: Option<String>,
    }

    /// A page of messages.
    Messages {
        /// The messages.
        messages: Vec<Message>,
        /// Where the next page is.
        next_page_uri: Option<String>,
    }

    /// A call.
    Call {
        /// Its id, `CA…`.
        sid: String,
        /// Such as `queued`, `ringing`, `in-progress`, `completed`, `busy`, `failed`, `no-answer` or `canceled`.
        status: String,
        /// Whom it is for.
        to: Option<String>,
        /// Who calls.
        from: Option<String>,
        /// Such as `outbound-api` or `inbound`.
        direction: Option<String>,
        /// How long it took, in seconds, as a text.
        duration: Option<String>,
        /// When it began, as in RFC 2822.
        start_time: Option<String>,
        /// When it ended, as in RFC 2822.
        end_time: Option<String>,
    }

    /// A page of calls.
    Calls {
        /// The calls.
        calls: Vec<Call>,
        /// Where the next page is.
        next_page_uri: Option<String>,
    }

    /// A number of the account.
    PhoneNumber {
        /// Its id, `PN…`.
        sid: String,
        /// The number, as `+15017122661`.
        phone_number: String,
        /// What it is called.
        friendly_name: Option<String>,
    }

    /// A page of numbers.
    PhoneNumbers {
        /// The numbers.
        incoming_phone_numbers: Vec<PhoneNumber>,
        /// Where the next page is.
        next_page_uri: Option<String>,
    }

    /// What the account has.
    Balance {
        /// How much, as a decimal number.
        balance: String,
        /// ISO 4217.
        currency: String,
    }
}
