package dev.come.hub;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.come.FailedException;
import dev.come.failure.UnderWay;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Downloads over a network and from servers that fail in all the ways there are. */
class HubDownloadTests extends HubTrial {
    @Test
    void theTokenGoesToTheHubAndNowhereElse() {
        fetch(with("hf_secret"));
        assertThat(server.hubTokens).containsExactly("Bearer hf_secret");
        assertThat(server.storeRequests).isNotEmpty();
        assertThat(server.storeTokens).isEmpty();
        assertThat(told.notes).isEmpty();
        assertThat(with("hf_secret").toString()).doesNotContain("secret");
    }

    @Test
    void theTokenDoesNotFollowTheListToAnotherHost() {
        try (LocalHub other = new LocalHub()) {
            server.fault("/revision/main", LocalHub.status(307, "Location",
                    "http://localhost:" + other.endpoint().getPort() + "/api/models/owner/model/revision/main"));
            other.file(MODEL, "README.md", "");
            assertThatThrownBy(() -> fetch(with("hf_secret"))).hasMessageContaining("has no config.json");
            assertThat(other.requests).hasSize(1);
            assertThat(other.hubTokens).isEmpty();
        }
    }

    @Test
    void redirectsThatLeadNowhereEnd() {
        String path = "/api/models/owner/model/revision/main";
        for (int i = 0; i < 20; i++) {
            server.fault(path, LocalHub.status(302, "Location", path));
        }
        assertThatThrownBy(this::fetch).isInstanceOf(FailedException.class)
                .hasMessageContaining("leads from one redirect to the next");
    }

    @Test
    void aRedirectWithoutAnAddressIsRefused() {
        server.fault("/revision/main", LocalHub.status(302));
        assertThatThrownBy(this::fetch).isInstanceOf(FailedException.class).hasMessageContaining("to nowhere");
    }

    @Test
    void aConnectionThatBreaksIsResumedWhereItEnded() {
        server.fault("store:/" + WEIGHTS, LocalHub.breakingOff(weights, 100_000));
        assertThat(fetch().resolve(WEIGHTS)).hasBinaryContent(weights);
        assertThat(server.storeRequests).hasSize(2).first().isEqualTo("GET /model.safetensors");
        assertThat(server.storeRequests.getLast()).matches("GET /model.safetensors \\[bytes=\\d{1,6}-]");
        assertThat(resumedAt(server.storeRequests.getLast())).isBetween(1L, 100_000L);
        assertThat(told.notes).hasSize(1).first().asString().startsWith("127.0.0.1: the connection broke off after ")
                .contains(" of 300 kB of owner/model/model.safetensors; trying again in ");
        assertThat(told.done).hasValue(told.totals.getFirst());
    }

    private static long resumedAt(String request) {
        return Long.parseLong(request.replaceAll(".*bytes=(\\d+)-.*", "$1"));
    }

    @Test
    void aConnectionThatBreaksManyTimesButAlwaysFartherIsFollowedToTheEnd() {
        for (int i = 0; i < 10; i++) { // more often than a failure is put up with
            server.fault("store:/" + WEIGHTS, exchange -> {
                // Where it is asked to go on: of what was sent, a part can be lost with the connection.
                String range = exchange.getRequestHeaders().getFirst("Range");
                int from = range == null ? 0 : Integer.parseInt(range.replaceAll("bytes=(\\d+)-.*", "$1"));
                exchange.getResponseHeaders().set("Content-Range",
                        "bytes " + from + "-" + (weights.length - 1) + "/" + weights.length);
                exchange.sendResponseHeaders(from == 0 ? 200 : 206, weights.length - from);
                exchange.getResponseBody().write(weights, from, Math.min(20_000, weights.length - from));
                exchange.getResponseBody().flush();
            });
        }
        assertThat(fetch().resolve(WEIGHTS)).hasBinaryContent(weights);
        assertThat(told.done).hasValue(told.totals.getFirst());
    }

    @Test
    void aConnectionThatFallsSilentIsGivenUpAndResumed() {
        server.fault("store:/" + WEIGHTS, LocalHub.fallingSilent(weights, 100_000));
        assertThat(fetch(server.settings(cache), IMPATIENT).resolve(WEIGHTS)).hasBinaryContent(weights);
        assertThat(resumedAt(server.storeRequests.getLast())).isEqualTo(100_000);
        assertThat(told.notes).first().asString().contains("no answer in time");
    }

    @Test
    void aServerThatDoesNotAnswerIsGivenUp() {
        for (int i = 0; i < 4; i++) {
            server.fault("/revision/main", exchange -> {
                try {
                    Thread.sleep(10_000);
                } catch (InterruptedException _) {
                    // the test is over
                }
            });
        }
        assertThatThrownBy(() -> fetch(server.settings(cache), IMPATIENT)).isInstanceOf(FailedException.class)
                .hasMessageContaining("127.0.0.1 cannot be reached (no answer in time)");
    }

    @Test
    void whatAnEarlierRunHasLeftIsGoneOnWith() throws IOException {
        leavePartial(Arrays.copyOf(weights, 200_000));
        assertThat(fetch().resolve(WEIGHTS)).hasBinaryContent(weights);
        assertThat(server.storeRequests).containsExactly("GET /model.safetensors [bytes=200000-]");
        assertThat(told.totals).containsExactly(100_000 + config.length + 2L);
        assertThat(told.done).hasValue(told.totals.getFirst());
    }

    @Test
    void aWholeFileThatWasOnlyNotRenamedIsNotFetchedAgain() throws IOException {
        leavePartial(weights);
        assertThat(fetch().resolve(WEIGHTS)).hasBinaryContent(weights);
        assertThat(server.storeRequests).isEmpty();
    }

    @Test
    void damagedLeftoversAreFoundByTheirSumAndFetchedAnew() throws IOException {
        leavePartial(bytes(200_000, 9));
        assertThat(fetch().resolve(WEIGHTS)).hasBinaryContent(weights);
        assertThat(server.storeRequests).containsExactly("GET /model.safetensors [bytes=200000-]",
                "GET /model.safetensors");
        assertThat(told.notes).first().asString().contains("arrived damaged");
    }

    @Test
    void leftoversThatAreLongerThanTheFileAreThrownAway() throws IOException {
        leavePartial(bytes(weights.length + 1, 9));
        assertThat(fetch().resolve(WEIGHTS)).hasBinaryContent(weights);
        assertThat(server.storeRequests).containsExactly("GET /model.safetensors");
    }

    @Test
    void aServerThatKnowsNoRangesSendsEverythingAgain() throws IOException {
        leavePartial(Arrays.copyOf(weights, 200_000));
        server.fault("store:/" + WEIGHTS, LocalHub.content(weights));
        assertThat(fetch().resolve(WEIGHTS)).hasBinaryContent(weights);
        assertThat(told.done).hasValue(told.totals.getFirst());
    }

    @Test
    void aServerThatRefusesTheRangeIsAskedForEverything() throws IOException {
        leavePartial(Arrays.copyOf(weights, 200_000));
        server.fault("store:/" + WEIGHTS, LocalHub.status(416));
        assertThat(fetch().resolve(WEIGHTS)).hasBinaryContent(weights);
        assertThat(server.storeRequests.getLast()).isEqualTo("GET /model.safetensors");
    }

    @Test
    void aPartOtherThanTheOneAskedForIsNotTaken() throws IOException {
        leavePartial(Arrays.copyOf(weights, 200_000));
        server.fault("store:/" + WEIGHTS, exchange -> {
            exchange.getResponseHeaders().set("Content-Range", "bytes 0-299999/300000");
            exchange.sendResponseHeaders(206, weights.length);
            exchange.getResponseBody().write(weights);
        });
        assertThat(fetch().resolve(WEIGHTS)).hasBinaryContent(weights);
    }

    @Test
    void contentThatIsTwiceNotWhatWasPromisedIsRefused() throws IOException {
        byte[] other = bytes(weights.length, 8);
        for (int i = 0; i < 2; i++) {
            server.fault("store:/" + WEIGHTS, LocalHub.content(other));
        }
        assertThatThrownBy(this::fetch).isInstanceOf(FailedException.class)
                .hasMessageContaining("owner/model/model.safetensors arrived twice with another SHA-256");
        assertThat(blob(weights)).doesNotExist();
        assertThat(partial()).doesNotExist();
        assertThat(repository().resolve("snapshots")).doesNotExist();
        assertThat(repository().resolve("refs")).doesNotExist();
    }

    @Test
    void aSmallFileIsComparedWithItsGitHash() {
        String path = "/resolve/" + LocalHub.COMMIT + "/config.json";
        byte[] other = new String(config, StandardCharsets.UTF_8).replace("llama", "lemma")
                .getBytes(StandardCharsets.UTF_8);
        server.fault(path, exchange -> { // the HEAD is answered as usual
            exchange.getResponseHeaders().set("ETag", '"' + LocalHub.gitHash(config) + '"');
            exchange.getResponseHeaders().set("Content-Length", "" + config.length);
            exchange.sendResponseHeaders(200, -1);
        });
        for (int i = 0; i < 2; i++) {
            server.fault(path, LocalHub.content(other));
        }
        assertThatThrownBy(this::fetch).isInstanceOf(FailedException.class)
                .hasMessageContaining("config.json arrived twice with another SHA-1");
    }

    @Test
    void contentThatIsLongerThanPromisedIsNotTaken() {
        byte[] longer = Arrays.copyOf(weights, weights.length + 5);
        server.fault("store:/" + WEIGHTS, LocalHub.content(longer));
        assertThat(fetch().resolve(WEIGHTS)).hasBinaryContent(weights);
        assertThat(told.done).hasValue(told.totals.getFirst());
    }

    @Test
    void aMirrorWithoutChecksumsIsTakenAtItsWordAndThatIsSaid() {
        server.fault("/config.json", LocalHub.status(200, "ETag", "\"v1-7\"", "Content-Length", "" + config.length));
        assertThat(fetch().resolve("config.json")).hasBinaryContent(config);
        assertThat(told.notes).containsExactly(
                "127.0.0.1 tells no checksum of owner/model/config.json; only its size was checked.");
    }

    @Test
    void aBusyServerIsAskedAgainAfterTheTimeThatItNames() {
        server.fault("/revision/main", LocalHub.status(429, "Retry-After", "1"));
        long started = System.nanoTime();
        fetch();
        assertThat(Duration.ofNanos(System.nanoTime() - started)).isGreaterThanOrEqualTo(Duration.ofSeconds(1));
        assertThat(told.notes).containsExactly("127.0.0.1: too many requests; trying again in 1 s");
    }

    @Test
    void aServerThatAsksForTooLongAPauseIsLeftAlone() {
        server.fault("/revision/main", LocalHub.status(429, "Retry-After", "Fri, 31 Dec 2100 23:59:59 GMT"));
        assertThatThrownBy(this::fetch).isInstanceOf(FailedException.class)
                .hasMessageContaining("(too many requests)");
        assertThat(server.requests).hasSize(1);
    }

    @ParameterizedTest
    @ValueSource(ints = {408, 429, 500, 502, 503, 504})
    void aPassingFailureIsOvercome(int status) {
        for (String path : List.of("/revision/main", "/config.json", "store:/" + WEIGHTS)) {
            server.fault(path, LocalHub.status(status));
            server.fault(path, LocalHub.status(status));
        }
        assertThat(fetch().resolve(WEIGHTS)).hasBinaryContent(weights);
    }

    @Test
    void aLastingFailureIsToldInOneSentence() {
        for (int i = 0; i < 4; i++) {
            server.fault("store:/" + WEIGHTS, LocalHub.status(503));
        }
        assertThatThrownBy(this::fetch).isInstanceOf(FailedException.class)
                .hasMessage("127.0.0.1 cannot be reached (the server has a failure (503)); check the network, or set "
                        + "HF_ENDPOINT to a mirror; what was downloaded is kept, and the same command goes on from there");
        assertThat(server.storeRequests).hasSize(4);
        server.storeRequests.clear();
        assertThat(fetch().resolve(WEIGHTS)).hasBinaryContent(weights);
    }

    @Test
    void anAddressOfTheStoreThatHasExpiredIsRenewed() {
        server.fault("store:/" + WEIGHTS, LocalHub.status(403));
        assertThat(fetch().resolve(WEIGHTS)).hasBinaryContent(weights);
        assertThat(server.requests.stream().filter(request -> request.startsWith("GET") && request.endsWith(WEIGHTS)))
                .hasSize(2);
    }

    @Test
    void whatIsNoHubIsRecognised() {
        server.fault("/revision/main", LocalHub.content("<html>".getBytes(StandardCharsets.UTF_8)));
        assertThatThrownBy(this::fetch).isInstanceOf(FailedException.class).hasMessageContaining("check HF_ENDPOINT");
        server.fault("/revision/main", LocalHub.content("{}".getBytes(StandardCharsets.UTF_8)));
        assertThatThrownBy(this::fetch).isInstanceOf(FailedException.class).hasMessageContaining("tells no commit");
        server.fault("/revision/main", LocalHub.status(418));
        assertThatThrownBy(this::fetch).isInstanceOf(FailedException.class).hasMessageContaining("(418)");
    }

    @ParameterizedTest
    @ValueSource(strings = {"http://user:s3cret@localhost:1/x", "http://localhost:1/x?signature=s3cret",
        "ftp://user:s3cret@localhost/x", "http://user:s3cret@/x", "http://user:s3cret@local host/x"})
    void whatLiesInTheAddressOfARedirectIsNotShown(String address) {
        for (int i = 0; i < 4; i++) {
            server.fault("/revision/main", LocalHub.status(302, "Location", address));
        }
        assertThatThrownBy(this::fetch).isInstanceOf(FailedException.class)
                .extracting(HubDownloadTests::trace).asString().doesNotContain("s3cret");
        assertThat(told.notes).noneMatch(note -> note.contains("s3cret"));
    }

    /** All that --verbose shows. */
    private static String trace(Throwable failure) {
        StringWriter trace = new StringWriter();
        failure.printStackTrace(new PrintWriter(trace));
        return trace.toString();
    }

    @Test
    void aServerWhoseNameIsNotKnownIsNotAskedTwice() {
        HubSettings nowhere = new HubSettings(URI.create("http://hub.invalid"), cache, Optional.empty(),
                false);
        assertThatThrownBy(() -> fetch(nowhere)).isInstanceOf(FailedException.class)
                .hasMessageContaining("hub.invalid cannot be reached (no server of that name is known)");
        assertThat(told.notes).isEmpty();
    }

    @Test
    void contentOfAnotherCommitIsRefused() {
        server.fault("/config.json", LocalHub.status(200, "ETag", '"' + LocalHub.gitHash(config) + '"',
                "Content-Length", "" + config.length, "X-Repo-Commit", "f".repeat(40)));
        assertThatThrownBy(this::fetch).isInstanceOf(FailedException.class).hasMessageContaining("of commit fff");
    }

    @Test
    void filesArriveAtTheSameTime() {
        CountDownLatch both = new CountDownLatch(2);
        for (String name : List.of("config.json", "tokenizer.json")) {
            byte[] content = name.equals("config.json") ? config : "{}".getBytes(StandardCharsets.UTF_8);
            server.fault("/" + name, LocalHub.status(200, "ETag", '"' + LocalHub.gitHash(content) + '"',
                    "Content-Length", "" + content.length));
            server.fault("/" + name, exchange -> { // neither is answered before both have been asked for
                both.countDown();
                try {
                    if (both.await(15, TimeUnit.SECONDS)) {
                        LocalHub.content(content).handle(exchange);
                    }
                } catch (InterruptedException _) {
                    // the test is over
                }
            });
        }
        fetch();
        assertThat(told.notes).isEmpty();
    }

    /** Of a download that is under way, who must end the process can tell how to go on. */
    @Test
    void howToGoOnIsKnownAsSoonAsSomethingHasArrived() {
        List<String> sentences = Collections.synchronizedList(new ArrayList<>());
        server.fault("store:/" + WEIGHTS, exchange -> {
            exchange.sendResponseHeaders(200, weights.length);
            exchange.getResponseBody().write(weights, 0, 100_000);
            exchange.getResponseBody().flush();
            for (long end = System.nanoTime() + 10_000_000_000L; System.nanoTime() < end && sentences.isEmpty();) {
                sentences.addAll(UnderWay.howToGoOn());
            }
        });
        fetch();
        assertThat(sentences).containsExactly("What was done is kept in " + repository().resolve("blobs")
                + "; the same command goes on from there.");
        assertThat(UnderWay.howToGoOn()).isEmpty();
    }

    @Test
    void anInterruptEndsTheDownload() throws Exception {
        server.fault("store:/" + WEIGHTS, LocalHub.fallingSilent(weights, 1000));
        List<Throwable> thrown = Collections.synchronizedList(new ArrayList<>());
        Thread thread = new Thread(() -> {
            try (Hub hub = new Hub(server.settings(cache), told, Retries.USUAL)) {
                hub.model(MODEL, "main");
            } catch (FailedException e) {
                thrown.add(e);
            }
        });
        thread.start();
        while (server.storeRequests.isEmpty()) {
            Thread.sleep(10);
        }
        thread.interrupt();
        thread.join(10_000);
        assertThat(thrown).hasSize(1).first().asString().contains("interrupted");
    }
}
