//! `Twilio`: text messages and calls, as the connector `twilio` makes them.

use serde_json::json;
use trunkline_core::Result;

pub use self::objects::{Balance, Call, Calls, Message, Messages, PhoneNumber, PhoneNumbers};
use crate::Manager;

mod objects;

client! {
    /// Twilio's API of 2010. A message or a call that may have been made is never made again by itself.
    /// <https://www.twilio.com/docs/usage/api>
    Twilio of "twilio";

    /// Send a text message. <https://www.twilio.com/docs/messaging/api/message-resource#create-a-message-resource>
    send_sms => SendSms(to: &str) -> Message {
        /// From: A number or a sender of the account.
        from: &str,
        /// Messaging service: it chooses the sender.
        messaging_service_sid: &str,
        /// Text.
        body: &str,
        /// Media URL: A picture or another file to send along.
        media_url: &str,
        /// Content template.
        content_sid: &str,
        /// Variables of the template: an object, written as JSON.
        content_variables: &str,
        /// Status callback: the URL that is told what becomes of it.
        status_callback: &str,
        /// Validity period: seconds that it may wait to be sent.
        validity_period: u64,
        /// Send at: with a messaging service alone.
        send_at: &str,
        /// Shorten URLs.
        shorten_urls: bool,
        /// Replace characters that cost more.
        smart_encoded: bool,
    }

    /// Get a message. <https://www.twilio.com/docs/messaging/api/message-resource#fetch-a-message-resource>
    get_message => GetMessage(message_sid: &str) -> Message {}

    /// List messages. <https://www.twilio.com/docs/messaging/api/message-resource#read-multiple-message-resources>
    list_messages => ListMessages() -> Messages, of Message {
        /// To.
        to: &str,
        /// From.
        from: &str,
        /// Sent on.
        date_sent: &str,
        /// Sent before.
        date_sent_before: &str,
        /// Sent after.
        date_sent_after: &str,
        /// Page size.
        page_size: u64,
    }

    /// Cancel a scheduled message. <https://www.twilio.com/docs/messaging/api/message-resource#update-a-message-resource>
    cancel_message => CancelMessage(message_sid: &str) -> Message {}

    /// Redact a message. Empties its text. <https://www.twilio.com/docs/messaging/api/message-resource#update-a-message-resource>
    redact_message => RedactMessage(message_sid: &str) -> Message {}

    /// Delete a message. <https://www.twilio.com/docs/messaging/api/message-resource#delete-a-message-resource>
    delete_message => DeleteMessage(message_sid: &str) -> () {}

    /// Make a call. <https://www.twilio.com/docs/voice/api/call-resource#create-a-call-resource>
    make_call => MakeCall(to: &str, from: &str) -> Call {
        /// TwiML URL: where the instructions for the call are.
        url: &str,
        /// TwiML.
        twiml: &str,
        /// Application.
        application_sid: &str,
        /// Method of the TwiML URL: `GET`, `POST`.
        method: &str,
        /// Status callback.
        status_callback: &str,
        /// Seconds to let it ring.
        timeout: u64,
        /// Most seconds that it lasts.
        time_limit: u64,
        /// Record.
        record: bool,
        /// Digits to send.
        send_digits: &str,
        /// Machine detection: `Enable`, `DetectMessageEnd`.
        machine_detection: &str,
    }

    /// Get a call. <https://www.twilio.com/docs/voice/api/call-resource#fetch-a-call-resource>
    get_call => GetCall(call_sid: &str) -> Call {}

    /// End a call. <https://www.twilio.com/docs/voice/api/call-resource#update-a-call-resource>
    end_call => EndCall(call_sid: &str) -> Call {}

    /// List calls. <https://www.twilio.com/docs/voice/api/call-resource#read-multiple-call-resources>
    list_calls => ListCalls() -> Calls, of Call {
        /// To.
        to: &str,
        /// From.
        from: &str,
        /// Status: `queued`, `ringing`, `in-progress`, `completed`, `busy`, `failed`, `no-answer`, `canceled`.
        status: &str,
        /// Started before.
        started_before: &str,
        /// Started after.
        started_after: &str,
        /// Page size.
        page_size: u64,
    }

    /// Get a number of the account. <https://www.twilio.com/docs/phone-numbers/api/incomingphonenumber-resource>
    get_incoming_phone_number => GetIncomingPhoneNumber(phone_number_sid: &str) -> PhoneNumber {}

    /// List the numbers of the account. <https://www.twilio.com/docs/phone-numbers/api/incomingphonenumber-resource>
    list_incoming_phone_numbers => ListIncomingPhoneNumbers() -> PhoneNumbers, of PhoneNumber {
        /// Number: it may have * for digits.
        phone_number: &str,
        /// Name.
        friendly_name: &str,
        /// Page size.
        page_size: u64,
    }

    /// Get the balance. <https://www.twilio.com/docs/usage/api/account-balance>
    get_balance => GetBalance() -> Balance {}
}

impl Twilio {
    /// A client with the token of an account; either may be a reference such as `${env:TWILIO_AUTH_TOKEN}`. With an API
    /// key, use [`Twilio::open`] and `inputs` `account_sid`, `api_key_sid` and `api_key_secret`.
    ///
    /// # Errors
    ///
    /// `invalid_config`, naming the input.
    pub fn connect(manager: &Manager, account_sid: &str, auth_token: &str) -> Result<Self> {
        Self::open(manager, json!({ "inputs": { "account_sid": account_sid, "auth_token": auth_token } }))
    }
}
