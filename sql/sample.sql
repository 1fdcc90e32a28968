-- A sample to look at and to try things on: every kind of rule, over dev,
-- staging and prod of the tenant default.
--
-- Loads with psql, as any role that may write flags.  Loading it again adds
-- what is missing and leaves the rest alone, whatever has become of it: a flag
-- that was changed keeps its change, one that was archived stays archived.

\set ON_ERROR_STOP on

BEGIN;

DO $$ BEGIN PERFORM set_config('flagship.actor', 'sample', true); END $$;

INSERT INTO flagship.tenants (key) VALUES ('default') ON CONFLICT DO NOTHING;

INSERT INTO flagship.environments (key) VALUES ('dev'), ('staging'), ('prod')
ON CONFLICT DO NOTHING;


-- Segments: conditions that many flags share.

INSERT INTO flagship.segments (key, name, description, "when")
SELECT s.key, s.name, s.description, s."when"
  FROM json_to_recordset($sample$[

{"key": "staff", "name": "Staff",
 "description": "People of the company, by their address",
 "when": {"ends_with": [{"var": "email"}, "@example.com"]}},

{"key": "eu", "name": "European Union",
 "description": "A sample of its countries",
 "when": {"in": [{"var": "country"},
                 ["AT", "BE", "DE", "ES", "FR", "IE", "IT", "NL", "PL"]]}},

{"key": "paying", "name": "Paying customers",
 "description": "Whoever has a plan that costs something",
 "when": {"in": [{"var": "plan"}, ["team", "pro", "enterprise"]]}},

{"key": "paying-eu", "name": "Paying customers in the EU",
 "description": "A segment of segments",
 "when": {"and": [{"segment": "paying"}, {"segment": "eu"}]}},

{"key": "beta-users", "name": "Beta users",
 "description": "Staff, and whoever asked for it",
 "when": {"or": [{"segment": "staff"}, {"==": [{"var": "beta"}, "yes"]}]}}

]$sample$) AS s (key text, name text, description text, "when" json)
 WHERE NOT EXISTS (SELECT FROM flagship.segments o
                    WHERE o.tenant = 'default' AND o.key = s.key)
    ON CONFLICT DO NOTHING;


-- Flags.  "environments" says where; what is left out has its default.

INSERT INTO flagship.flags
       (environment, key, name, description, tags, metadata, type, enabled,
        variants, default_variant, off_variant, rules, user_ids, rollout,
        prerequisites, enable_at, disable_at, expose)
SELECT e.environment, f.key, f.name, f.description, f.tags, f.metadata,
       f.type, coalesce(f.enabled, true), f.variants, f.default_variant,
       f.off_variant, f.rules, f.user_ids, f.rollout, f.prerequisites,
       f.enable_at, f.disable_at, coalesce(f.expose, true)
  FROM json_to_recordset($sample$[

{"environments": ["dev", "staging", "prod"],
 "key": "page_footer", "name": "Page footer",
 "description": "The simple form: on for everyone",
 "tags": ["ui"]},

{"environments": ["dev", "staging"],
 "key": "compact_tables", "name": "Compact tables",
 "description": "On for everyone, outside of production",
 "tags": ["ui"]},
{"environments": ["prod"],
 "key": "compact_tables", "name": "Compact tables",
 "description": "In production for a quarter of the users",
 "tags": ["ui"], "rollout": 25},

{"environments": ["prod"],
 "key": "instant_search", "name": "Instant search",
 "description": "A rollout with decimals: 12.5 percent",
 "tags": ["search"], "rollout": 12.5},

{"environments": ["dev", "staging", "prod"],
 "key": "admin_toolbar", "name": "Admin toolbar",
 "description": "Only these users",
 "tags": ["ui", "staff"], "user_ids": ["alice", "bob", "carol"]},

{"environments": ["dev", "staging", "prod"],
 "key": "quick_reply", "name": "Quick reply",
 "description": "These users, and half of the others",
 "tags": ["ui"], "user_ids": ["alice", "dave"], "rollout": 50},

{"environments": ["dev", "staging", "prod"],
 "key": "beta_area", "name": "Beta area",
 "description": "A gate: who may enter what lies under /beta/",
 "tags": ["gate"], "user_ids": ["alice"],
 "rules": [{"name": "beta users", "when": {"segment": "beta-users"},
            "serve": "on"}]},

{"environments": ["dev", "staging", "prod"],
 "key": "checkout_backend", "name": "Checkout backend",
 "description": "A canary: which upstream answers, one visitor in ten the new one",
 "tags": ["canary"], "type": "string",
 "variants": {"blue": "blue", "green": "green"},
 "default_variant": "blue", "off_variant": "blue",
 "rules": [{"name": "staff first", "when": {"segment": "staff"},
            "serve": "green"},
           {"name": "ten percent",
            "serve": {"split": {"blue": 90, "green": 10}}}]},

{"environments": ["dev", "staging", "prod"],
 "key": "greeting", "name": "Greeting",
 "description": "A text by country: rules are asked from the top",
 "tags": ["text"], "type": "string",
 "variants": {"en": "Hello", "de": "Hallo", "es": "Hola", "fr": "Bonjour"},
 "default_variant": "en", "off_variant": "en",
 "rules": [{"name": "German",
            "when": {"in": [{"var": "country"}, ["AT", "DE"]]},
            "serve": "de"},
           {"name": "Spanish", "when": {"==": [{"var": "country"}, "ES"]},
            "serve": "es"},
           {"name": "French", "when": {"===": [{"var": "country"}, "FR"]},
            "serve": "fr"}]},

{"environments": ["staging", "prod"],
 "key": "priority_support", "name": "Priority support",
 "description": "and, or, != and a nested attribute",
 "tags": ["plans"],
 "rules": [{"name": "who pays, or was promised it",
            "when": {"or": [
                {"and": [{"==": [{"var": "plan"}, "enterprise"]},
                         {"!=": [{"var": "account.state"}, "overdue"]}]},
                {"==": [{"var": "account.support"}, "gold"]}]},
            "serve": "on"}]},

{"environments": ["dev", "staging", "prod"],
 "key": "upgrade_notice", "name": "Upgrade notice",
 "description": "By the version of the app: older than 2.4, or a pre-release",
 "tags": ["apps"], "type": "string",
 "variants": {"none": "", "please": "Please upgrade",
              "preview": "You run a preview"},
 "default_variant": "none", "off_variant": "none",
 "rules": [{"name": "preview of 3",
            "when": {"and": [
                {"sem_ver": [{"var": "app_version"}, ">=", "3.0.0-alpha"]},
                {"sem_ver": [{"var": "app_version"}, "<", "3.0.0"]}]},
            "serve": "preview"},
           {"name": "old",
            "when": {"sem_ver": [{"var": "app_version"}, "<", "2.4.0"]},
            "serve": "please"}]},

{"environments": ["dev", "staging", "prod"],
 "key": "partner_menu", "name": "Partner menu",
 "description": "By how an address ends or an id starts",
 "tags": ["ui"],
 "rules": [{"name": "partners",
            "when": {"or": [
                {"ends_with": [{"var": "email"}, "@partner.example"]},
                {"starts_with": [{"var": "targetingKey"}, "partner-"]}]},
            "serve": "on"}]},

{"environments": ["dev", "staging", "prod"],
 "key": "shipping_label", "name": "Shipping label",
 "description": "Two attributes put together by cat",
 "tags": ["text"], "type": "string",
 "variants": {"standard": "standard", "express": "express"},
 "default_variant": "standard", "off_variant": "standard",
 "rules": [{"name": "where it is fast",
            "when": {"in": [{"cat": [{"var": "country"}, "-",
                                     {"var": "plan"}]},
                            ["DE-pro", "FR-pro", "NL-pro"]]},
            "serve": "express"}]},

{"environments": ["dev", "staging", "prod"],
 "key": "landing_page", "name": "Landing page",
 "description": "fractional as flagd writes it: by e-mail address, in three parts",
 "tags": ["experiment"], "type": "string",
 "variants": {"classic": "/classic", "video": "/video", "story": "/story"},
 "default_variant": "classic", "off_variant": "classic",
 "rules": [{"name": "who told us an address",
            "when": {"!!": [{"var": "email"}]},
            "serve": {"fractional": [{"var": "email"}, ["classic", 50],
                                     ["video", 25], ["story", 25]]}}]},

{"environments": ["dev", "staging", "prod"],
 "key": "onboarding", "name": "Onboarding",
 "description": "A split by company, so that colleagues see the same",
 "tags": ["experiment"], "type": "string",
 "metadata": {"experiment": "onb-7", "owner": "growth", "sample": 0.5},
 "variants": {"tour": "tour", "checklist": "checklist"},
 "default_variant": "tour", "off_variant": "tour",
 "rules": [{"name": "half of the companies",
            "serve": {"split": {"tour": 50, "checklist": 50},
                      "by": {"cat": ["onboarding:", {"var": "company"}]}}}]},

{"environments": ["dev", "staging", "prod"],
 "key": "request_limit", "name": "Request limit",
 "description": "Numbers, by plan",
 "tags": ["plans"], "type": "number",
 "variants": {"free": 60, "paid": 600, "unlimited": 1e6, "half": 0.5},
 "default_variant": "free", "off_variant": "half",
 "rules": [{"name": "enterprise",
            "when": {"==": [{"var": "plan"}, "enterprise"]},
            "serve": "unlimited"},
           {"name": "paying", "when": {"segment": "paying"},
            "serve": "paid"}]},

{"environments": ["dev", "staging", "prod"],
 "key": "theme", "name": "Theme",
 "description": "A whole document as a value",
 "tags": ["ui"], "type": "json",
 "variants": {"plain": {"accent": "#0a7", "dense": false, "fonts": ["serif"]},
              "contrast": {"accent": "#000", "dense": true, "fonts": []}},
 "default_variant": "plain", "off_variant": "plain",
 "rules": [{"name": "who asked for it",
            "when": {"==": [{"var": "prefers"}, "contrast"]},
            "serve": "contrast"}]},

{"environments": ["prod"],
 "key": "summer_sale", "name": "Summer sale",
 "description": "A schedule of the flag itself",
 "tags": ["campaign"],
 "enable_at": "2030-06-21T00:00:00Z", "disable_at": "2030-09-23T00:00:00Z"},

{"environments": ["dev", "staging", "prod"],
 "key": "status_page", "name": "Status page",
 "description": "A rule by the clock: the new page from a day on",
 "tags": ["campaign"], "type": "string",
 "variants": {"old": "/status", "new": "/status/v2"},
 "default_variant": "old", "off_variant": "old",
 "rules": [{"name": "from 2025 on",
            "when": {">=": [{"var": "$flagd.timestamp"},
                            {"time": ["2025-01-01T00:00:00Z"]}]},
            "serve": "new"}]},

{"environments": ["dev", "staging", "prod"],
 "key": "wallet", "name": "Wallet",
 "description": "The new payment form needs it",
 "tags": ["payment"],
 "rules": [{"name": "paying customers of the EU",
            "when": {"segment": "paying-eu"}, "serve": "on"}]},

{"environments": ["dev", "staging", "prod"],
 "key": "payment_form", "name": "Payment form",
 "description": "Only where the wallet is on",
 "tags": ["payment"], "rollout": 80,
 "prerequisites": [{"flag": "wallet", "variant": "on"}]},

{"environments": ["dev", "staging", "prod"],
 "key": "help_bubble", "name": "Help bubble",
 "description": "Asks what another flag serves",
 "tags": ["ui"],
 "rules": [{"name": "not beside the tour",
            "when": {"!": [{"==": [{"flag": "onboarding"}, "tour"]}]},
            "serve": "on"}]},

{"environments": ["dev", "staging", "prod"],
 "key": "search_engine", "name": "Search engine",
 "description": "The variant is itself worked out, by if",
 "tags": ["search"], "type": "string",
 "variants": {"trigram": "trigram", "vector": "vector", "plain": "plain"},
 "default_variant": "trigram", "off_variant": "plain",
 "rules": [{"name": "by the length of the query",
            "serve": {"if": [{"<": [{"var": ["words", 1]}, 3]}, "trigram",
                             {"<=": [{"var": ["words", 1]}, 12]}, "vector",
                             "plain"]}}]},

{"environments": ["dev", "staging", "prod"],
 "key": "image_format", "name": "Image format",
 "description": "A rollout inside of a rule, for some only",
 "tags": ["media"], "type": "string",
 "variants": {"jpeg": "jpeg", "avif": "avif"},
 "default_variant": "jpeg", "off_variant": "jpeg",
 "rules": [{"name": "a fifth of the desktops",
            "when": {"and": [{"==": [{"var": "device"}, "desktop"]},
                             {"rollout": [20]}]},
            "serve": "avif"}]},

{"environments": ["dev", "staging", "prod"],
 "key": "consent_banner", "name": "Consent banner",
 "description": "Rules that end with a rule for the rest",
 "tags": ["legal"], "type": "string",
 "variants": {"full": "full", "short": "short", "none": "none"},
 "default_variant": "full", "off_variant": "full",
 "rules": [{"name": "staff see none", "when": {"segment": "staff"},
            "serve": "none"},
           {"name": "EU", "when": {"segment": "eu"}, "serve": "full"},
           {"name": "the rest", "serve": "short"}]},

{"environments": ["dev", "staging", "prod"],
 "key": "recommendations", "name": "Recommendations",
 "description": "Without a default variant: the caller's own default counts",
 "tags": ["experiment"], "type": "string",
 "variants": {"similar": "similar", "popular": "popular"},
 "rules": [{"name": "those who said so",
            "when": {"in": [{"var": "taste"}, ["similar", "popular"]]},
            "serve": {"var": "taste"}}]},

{"environments": ["dev", "staging", "prod"],
 "key": "export_pdf", "name": "Export as PDF",
 "description": "Switched off: everyone gets the off variant",
 "tags": ["export"], "enabled": false, "rollout": 100},

{"environments": ["staging", "prod"],
 "key": "maintenance_text", "name": "Maintenance text",
 "description": "Switched off, with no value while it is",
 "tags": ["text"], "type": "string", "enabled": false,
 "variants": {"short": "Back soon", "long": "We are back at ten"},
 "default_variant": "short"},

{"environments": ["dev", "staging", "prod"],
 "key": "trace_sampling", "name": "Trace sampling",
 "description": "For our own servers: neither the edge nor client keys see it",
 "tags": ["internal"], "type": "number", "expose": false,
 "metadata": {"owner": "platform", "unit": "percent", "temporary": false},
 "variants": {"low": 1, "high": 25},
 "default_variant": "low", "off_variant": "low",
 "rules": [{"name": "staff", "when": {"segment": "staff"}, "serve": "high"}]}

]$sample$) AS f (environments json, key text, name text, description text,
                 tags json, metadata json, type text, enabled boolean,
                 variants json, default_variant text, off_variant text,
                 rules json, user_ids json, rollout numeric,
                 prerequisites json, enable_at timestamptz,
                 disable_at timestamptz, expose boolean)
 CROSS JOIN json_array_elements_text(f.environments) AS e (environment)
 WHERE NOT EXISTS (SELECT FROM flagship.flags o
                    WHERE o.tenant = 'default'
                      AND o.environment = e.environment AND o.key = f.key)
    ON CONFLICT DO NOTHING;

COMMIT;
