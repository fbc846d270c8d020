package dev.come.hub;

import dev.come.ComeException;
import dev.come.FailedException;
import dev.come.InvalidInputException;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpHeaders;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.time.Instant;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.time.format.DateTimeParseException;
import java.util.Optional;
import java.util.OptionalLong;

/** Says in plain words why a server does not hand something out. */
record Refusals(HubSettings settings) {
    /**
     * What an answer other than content means.
     *
     * @param fromHub whether the hub itself gave it, and not a server that it leads to
     * @return what trying again may help against
     * @throws ComeException if the user must mend something
     */
    IOException of(HttpResponse<?> response, URI at, boolean fromHub, HubHttp.Subject about) {
        int status = response.statusCode();
        Optional<BusyException> busy = busy(response);
        if (busy.isPresent()) {
            return busy.get();
        }
        if (!fromHub) {
            // The address that the hub gave is good for a while only; asked again, it gives a fresh one.
            return new IOException(at.getHost() + " refuses the file (" + status + ")");
        }
        throw mistake(status, response.headers().firstValue("X-Error-Code").orElse(""), about);
    }

    /** What an answer means that says no more than that it is no good time to ask. */
    static Optional<BusyException> busy(HttpResponse<?> response) {
        int status = response.statusCode();
        return status == 408 || status == 429 || status >= 500
                ? Optional.of(new BusyException(switch (status) {
                    case 408 -> "no answer in time";
                    case 429 -> "too many requests";
                    default -> "the server has a failure (" + status + ")";
                }, retryAfter(response.headers())))
                : Optional.empty();
    }

    private ComeException mistake(int status, String code, HubHttp.Subject about) {
        Repository repository = about.repository();
        URI page = repository.page(settings.endpoint());
        String kind = repository.kind().toString();
        boolean known = settings.token().isPresent();
        if (code.equals("GatedRepo") || (status == 403 && code.isEmpty() && !known)) {
            return new InvalidInputException(
                    repository + " is gated: its owners decide who may have it; ask for access on "
                            + page + (known
                                    ? ", with the account that the token (HF_TOKEN) belongs to"
                                    : ", and set HF_TOKEN to a token of your account"));
        }
        if (status == 401 && known && !code.equals("RepoNotFound")) {
            return new InvalidInputException(settings.endpoint()
                    + " does not accept the token (HF_TOKEN, or the file token in HF_HOME); make a new one in the settings of"
                    + " your account, or unset it");
        }
        if (status == 403) {
            return new InvalidInputException(settings.endpoint() + " does not let you have " + about
                    + " (403); look at " + page + " for the reason, and check that the token may read it");
        }
        if (code.equals("RevisionNotFound")) {
            return new InvalidInputException(repository + " has no revision '" + about.revision()
                    + "'; look at " + page + " for its branches and tags, and give one as --revision");
        }
        if (status == 404 && about.file().isPresent() && !code.equals("RepoNotFound")) {
            return new InvalidInputException(repository + " has no file " + about.file().get() + " at revision "
                    + about.revision() + "; look at " + page);
        }
        if (status == 404 || status == 401) {
            return new InvalidInputException(repository + " is no " + kind + " at " + settings.endpoint()
                    + (repository.kind() == Repository.Kind.MODEL ? ", nor a folder here" : "")
                    + "; check the spelling, and if it is private "
                    + (known ? "that the token may read it" : "set HF_TOKEN to a token that may read it"));
        }
        return new FailedException(settings.endpoint() + " refuses to hand out " + about + " (" + status
                + "); check that HF_ENDPOINT is a hub");
    }

    private static Optional<Duration> retryAfter(HttpHeaders headers) {
        return headers.firstValue("Retry-After").flatMap(text -> {
            OptionalLong seconds = HubHttp.number(Optional.of(text.strip()));
            if (seconds.isPresent()) {
                return Optional.of(Duration.ofSeconds(seconds.getAsLong()));
            }
            try {
                Duration until = Duration.between(Instant.now(),
                        ZonedDateTime.parse(text.strip(), DateTimeFormatter.RFC_1123_DATE_TIME));
                return Optional.of(until.isNegative() ? Duration.ZERO : until);
            } catch (DateTimeParseException _) {
                return Optional.empty();
            }
        });
    }
}
