package dev.come.hub;

import dev.come.checkpoint.IoReason;
import java.io.IOException;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;

/** Asks whether the hub answers at all. */
public final class HubCheck {
    private static final Duration PATIENCE = Duration.ofSeconds(5);

    private HubCheck() {
    }

    /** What came of one request for the hub's first page: the server's status, or why there is none. */
    public static String ask(HubSettings settings) {
        if (settings.offline()) {
            return "not asked (HF_HUB_OFFLINE is set)";
        }
        try (HttpClient client = HttpClient.newBuilder().connectTimeout(PATIENCE).build()) {
            int status = client.send(HttpRequest.newBuilder(settings.endpoint().resolve("/")).timeout(PATIENCE).build(),
                    BodyHandlers.discarding()).statusCode();
            return "answers (HTTP " + status + ")";
        } catch (IOException e) {
            return "cannot be reached (" + IoReason.of(e) + ")";
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return "not asked to the end";
        }
    }
}
