"""What SendGrid's SDK does for each action: mails are made by its helpers, and all else is a path that one writes oneself."""

from sendgrid import SendGridAPIClient
from sendgrid.helpers import mail


def calls(origin, inputs):
    client = SendGridAPIClient(inputs["api_key"], host=origin).client
    marketing, suppression = client.marketing, client.suppression
    email = lambda kind, given: kind(given) if isinstance(given, str) else kind(given["email"], given.get("name"))

    def send(i):
        made = mail.Mail(from_email=email(mail.From, i["from"]), subject=i.get("subject"))
        person = mail.Personalization()
        for one in [i["to"]] if isinstance(i["to"], str) else i["to"]:
            person.add_to(email(mail.To, one))
        for one in i.get("cc", []):
            person.add_cc(email(mail.Cc, one))
        for one in i.get("bcc", []):
            person.add_bcc(email(mail.Bcc, one))
        if "dynamic_template_data" in i:
            person.dynamic_template_data = i["dynamic_template_data"]
        made.add_personalization(person)
        if "reply_to" in i:
            made.reply_to = email(mail.ReplyTo, i["reply_to"])
        for kind, key in [("text/plain", "text"), ("text/html", "html")]:
            if key in i:
                made.add_content(mail.Content(kind, i[key]))
        if "template_id" in i:
            made.template_id = mail.TemplateId(i["template_id"])
        for file in i.get("attachments", []):
            made.add_attachment(
                mail.Attachment(
                    file["content"], file["filename"], file.get("type"), file.get("disposition"), file.get("content_id")
                )
            )
        for name, value in i.get("headers", {}).items():
            made.add_header(mail.Header(name, value))
        for name in i.get("categories", []):
            made.add_category(mail.Category(name))
        for name, value in i.get("custom_args", {}).items():
            made.add_custom_arg(mail.CustomArg(name, value))
        if "send_at" in i:
            made.send_at = mail.SendAt(i["send_at"])
        if "batch_id" in i:
            made.batch_id = mail.BatchId(i["batch_id"])
        if "asm" in i:
            made.asm = mail.Asm(i["asm"]["group_id"], i["asm"].get("groups_to_display"))
        if "ip_pool_name" in i:
            made.ip_pool_name = mail.IpPoolName(i["ip_pool_name"])
        if "mail_settings" in i:
            made.mail_settings = mail.MailSettings(sandbox_mode=mail.SandBoxMode(i["mail_settings"]["sandbox_mode"]["enable"]))
        if "tracking_settings" in i:
            click = i["tracking_settings"]["click_tracking"]
            made.tracking_settings = mail.TrackingSettings(click_tracking=mail.ClickTracking(click["enable"]))
        client.mail.send.post(request_body=made.get())

    def get(path):
        return lambda i: path.get(query_params=i)

    return {
        "send_email": send,
        "send_emails": lambda i: client.mail.send.post(request_body=i),
        "create_batch_id": lambda i: client.mail.batch.post(),
        "cancel_scheduled_send": lambda i: client.user.scheduled_sends.post(request_body={"status": "cancel"} | i),
        "resume_scheduled_send": lambda i: client.user.scheduled_sends._(i["batch_id"]).delete(),
        "upsert_contacts": lambda i: marketing.contacts.put(request_body=i),
        "get_import_job": lambda i: marketing.contacts.imports._(i["job_id"]).get(),
        "get_contact": lambda i: marketing.contacts._(i["contact_id"]).get(),
        "find_contacts_by_email": lambda i: marketing.contacts.search.emails.post(request_body=i),
        "search_contacts": lambda i: marketing.contacts.search.post(request_body=i),
        "delete_contacts": lambda i: marketing.contacts.delete(query_params={"ids": ",".join(i["ids"])}),
        "list_lists": get(marketing.lists),
        "create_list": lambda i: marketing.lists.post(request_body=i),
        "remove_list_contacts": lambda i: marketing.lists._(i["list_id"]).contacts.delete(
            query_params={"contact_ids": ",".join(i["contact_ids"])}
        ),
        "list_custom_fields": get(marketing.field_definitions),
        "list_templates": lambda i: client.templates.get(query_params={"generations": "dynamic", "page_size": 200} | i),
        "get_template": lambda i: client.templates._(i["template_id"]).get(),
        "list_bounces": get(suppression.bounces),
        "delete_bounce": lambda i: suppression.bounces._(i["email"]).delete(),
        "list_spam_reports": get(suppression.spam_reports),
        "list_global_unsubscribes": get(suppression.unsubscribes),
        "add_global_unsubscribes": lambda i: client.asm.suppressions._("global").post(
            request_body={"recipient_emails": i["emails"]}
        ),
        "delete_global_unsubscribe": lambda i: client.asm.suppressions._("global")._(i["email"]).delete(),
        "list_unsubscribe_groups": get(client.asm.groups),
        "get_stats": get(client.stats),
    }
