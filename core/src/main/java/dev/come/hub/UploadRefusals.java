package dev.come.hub;

import dev.come.ComeException;
import dev.come.FailedException;
import dev.come.InvalidInputException;
import dev.come.checkpoint.Shown;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpResponse;

/** Says in plain words why a server does not take something. Addresses are not shown: those of stores hold signatures. */
record UploadRefusals(HubSettings settings) {
    private static final int TOO_LARGE = 413;

    /** A store or the hub does not know an address any more that the hub gave; a fresh one may help. */
    static final class Expired extends FailedException {
        private static final long serialVersionUID = 1L;

        Expired(String message) {
            super(message);
        }
    }

    /**
     * What an answer means to which something was posted.
     *
     * @return what trying again may help against
     * @throws ComeException if the user must mend something
     */
    IOException of(HttpResponse<?> response, HubHttp.Subject about) {
        int status = response.statusCode();
        if (status == 409 || status == 412) {
            return new IOException("somebody else is writing to " + about.repository());
        }
        return Refusals.busy(response).<IOException>map(busy -> busy).orElseThrow(() -> mistake(response, about));
    }

    /**
     * What the answer to a part of a file means.
     *
     * @return what sending the part again may help against
     * @throws Expired if it needs another address
     */
    static IOException ofPart(HttpResponse<?> response, URI at, String file) {
        int status = response.statusCode();
        if (status == 401 || status == 403 || status == 404 || status == 410) {
            throw new Expired(at.getHost() + " does not take " + file + " (" + status
                    + "), though the hub sent it there; try again later");
        }
        return Refusals.busy(response).<IOException>map(busy -> busy)
                .orElseGet(() -> new IOException("it does not take " + file + " (" + status + ")"));
    }

    private ComeException mistake(HttpResponse<?> response, HubHttp.Subject about) {
        int status = response.statusCode();
        Repository repository = about.repository();
        String code = response.headers().firstValue("X-Error-Code").orElse("");
        if (status == 401 && !code.equals("RepoNotFound")) {
            return new InvalidInputException(settings.endpoint() + " does not accept the token (HF_TOKEN, or the file"
                    + " token in HF_HOME); make a new one in the settings of your account");
        }
        if (status == 403 || status == 402) {
            return new InvalidInputException(settings.endpoint() + " does not let the token (HF_TOKEN) write to "
                    + repository + " (" + status + reason(response)
                    + "); give it write access in the settings of your account, or push to a name of your own");
        }
        if (status == 404 || status == 401) {
            return new InvalidInputException(repository + " is no model at " + settings.endpoint()
                    + " that the token (HF_TOKEN) may write to; check the spelling, and the rights of the token");
        }
        if (status == TOO_LARGE) {
            return new FailedException(settings.endpoint() + " takes no more for " + repository + " (" + status
                    + reason(response) + "); look at " + repository.page(settings.endpoint()) + " for what is left");
        }
        return new FailedException(settings.endpoint() + " refuses to take " + about + " (" + status
                + reason(response) + "); check that HF_ENDPOINT is a hub");
    }

    /** What the hub says itself. */
    private static String reason(HttpResponse<?> response) {
        return response.headers().firstValue("X-Error-Message").map(text -> ": " + Shown.of(text)).orElse("");
    }
}
