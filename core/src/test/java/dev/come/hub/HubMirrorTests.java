package dev.come.hub;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpHandler;
import dev.come.FailedException;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Mirrors that tell less than the hub, and servers and proxies that send something else than was told. */
class HubMirrorTests extends HubTrial {
    private static final String TREE = "GET /api/models/owner/model/tree/" + LocalHub.COMMIT;

    private static HttpHandler byMethod(HttpHandler head, HttpHandler get) {
        return exchange -> (exchange.getRequestMethod().equals("HEAD") ? head : get).handle(exchange);
    }

    private long count(String request) {
        return server.requests.stream().filter(request::equals).count();
    }

    /** A server that looks for no file when it is asked by HEAD, but for its name. */
    private void tellNoLengths(String... headers) {
        for (String name : List.of("config.json", "tokenizer.json")) {
            byte[] content = name.equals("config.json") ? config : "{}".getBytes(StandardCharsets.UTF_8);
            List<String> all = Stream.concat(Stream.of("ETag", '"' + LocalHub.gitHash(content) + '"'),
                    Stream.of(headers)).toList();
            server.always("/" + name, byMethod(LocalHub.status(200, all.toArray(String[]::new)),
                    LocalHub.content(content)));
        }
    }

    @Test
    void whereNoSizeIsToldItIsThatOfTheList() {
        tellNoLengths();
        assertThat(fetch().resolve("config.json")).hasBinaryContent(config);
        assertThat(count(TREE)).as("asked once, for two files").isEqualTo(1);
        assertThat(told.totals).containsExactly(weights.length + config.length + 2L);
        assertThat(told.notes).as("the hash was checked").isEmpty();
    }

    @Test
    void aLengthOfNothingIsNoSize() {
        tellNoLengths("Content-Length", "0");
        assertThat(fetch().resolve("config.json")).hasBinaryContent(config);
    }

    @Test
    void theHashIsCheckedWhereNoSizeIsTold() {
        tellNoLengths();
        byte[] other = new String(config, StandardCharsets.UTF_8).replace("llama", "lemma")
                .getBytes(StandardCharsets.UTF_8);
        server.always("/config.json", byMethod(LocalHub.status(200, "ETag", '"' + LocalHub.gitHash(config) + '"'),
                LocalHub.content(other)));
        assertThatThrownBy(this::fetch).isInstanceOf(FailedException.class)
                .hasMessageContaining("config.json arrived twice with another SHA-1");
    }

    @Test
    void whatARedirectDoesNotTellTheListTells() {
        server.always("/" + WEIGHTS,
                byMethod(LocalHub.status(302, "Location", "http://localhost:1/"), LocalHub.content(weights)));
        assertThat(fetch().resolve(WEIGHTS)).hasBinaryContent(weights);
        assertThat(blob(weights)).as("named by its SHA-256").exists();
    }

    @Test
    void theListIsReadToItsEnd() {
        tellNoLengths();
        String path = "/tree/" + LocalHub.COMMIT;
        server.fault(path, exchange -> {
            exchange.getResponseHeaders().set("Link",
                    "<" + server.endpoint() + "/api/models/owner/model" + path + "?cursor=x>; rel=\"next\"");
            LocalHub.content("[]".getBytes(StandardCharsets.UTF_8)).handle(exchange);
        });
        assertThat(fetch().resolve("config.json")).hasBinaryContent(config);
        assertThat(count(TREE)).isEqualTo(2);
    }

    @Test
    void theListDoesNotGoOnElsewhere() {
        tellNoLengths();
        server.always("/tree/" + LocalHub.COMMIT, exchange -> {
            exchange.getResponseHeaders().set("Link", "<http://localhost:1/>; rel=\"next\"");
            LocalHub.content("[]".getBytes(StandardCharsets.UTF_8)).handle(exchange);
        });
        assertThatThrownBy(this::fetch).isInstanceOf(FailedException.class)
                .hasMessageContaining(" has no size, nor has the list of files");
    }

    @Test
    void whereNothingTellsASizeThatIsSaid() {
        tellNoLengths();
        server.always("/tree/" + LocalHub.COMMIT, LocalHub.status(404));
        assertThatThrownBy(this::fetch).isInstanceOf(FailedException.class)
                .hasMessageMatching("http://127.0.0.1:\\d+/owner/model/resolve/" + LocalHub.COMMIT
                        + "/\\w+\\.json has no size, nor has the list of files, so it cannot be kept in the cache of the"
                        + " hub; check that HF_ENDPOINT is a hub");
    }

    /** Ways to send something else than was told. Each is asked for again and again, and none may be asked for ever. */
    enum Wrong {
        LONGER("sends more than the 300000 bytes"), LONGER_WITHOUT_A_LENGTH(
                "sends more than the 300000 bytes"), SHORTER(
                        "does not go on with"), SHORTER_AND_NO_RANGES(
                                "broke off after 299 kB of 300 kB"), OFTEN_FARTHER(
                                        "broke off after 50.0 kB of 300 kB"), ELSEWHERE(
                                                "does not go on with"), OTHER_FORM(
                                                        "comes in the form 'br'"), HALF_ZIPPED("broke off after");

        private final String message;

        Wrong(String message) {
            this.message = message;
        }

        void send(HttpExchange exchange, byte[] content, int request) throws IOException {
            int half = content.length / 2;
            switch (this) {
                case LONGER -> LocalHub.content(Arrays.copyOf(content, content.length + 5)).handle(exchange);
                case LONGER_WITHOUT_A_LENGTH -> {
                    exchange.sendResponseHeaders(200, 0);
                    write(exchange, Arrays.copyOf(content, content.length + 5));
                }
                case SHORTER -> {
                    if (exchange.getRequestHeaders().containsKey("Range")) {
                        LocalHub.status(416).handle(exchange);
                    } else {
                        LocalHub.content(Arrays.copyOf(content, content.length - 1000)).handle(exchange);
                    }
                }
                case SHORTER_AND_NO_RANGES ->
                    LocalHub.content(Arrays.copyOf(content, content.length - 1000)).handle(exchange);
                case OFTEN_FARTHER ->
                    LocalHub.breakingOff(content, request % 2 == 0 ? 100_000 : 50_000).handle(exchange);
                case ELSEWHERE -> {
                    exchange.getResponseHeaders().set("Content-Range", "bytes 7-299999/300000");
                    exchange.sendResponseHeaders(206, content.length - 7);
                    write(exchange, Arrays.copyOf(content, content.length - 7));
                }
                case OTHER_FORM -> {
                    exchange.getResponseHeaders().set("Content-Encoding", "br");
                    LocalHub.content(content).handle(exchange);
                }
                case HALF_ZIPPED -> {
                    exchange.getResponseHeaders().set("Content-Encoding", "gzip");
                    LocalHub.content(Arrays.copyOf(zipped(content), half)).handle(exchange);
                }
            }
        }

        private static void write(HttpExchange exchange, byte[] content) throws IOException {
            try (OutputStream body = exchange.getResponseBody()) {
                body.write(content);
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void sixAttemptsWithoutProgressEndADownload(Wrong wrong) {
        Retries six = new Retries(Retries.USUAL.attempts(), QUICK.first(), QUICK.longest(), QUICK.longestAskedFor(),
                QUICK.silence());
        server.always("store:/" + WEIGHTS,
                exchange -> wrong.send(exchange, weights, server.storeRequests.size() - 1));
        assertThatThrownBy(() -> fetch(server.settings(cache), six)).isInstanceOf(FailedException.class)
                .hasMessageContaining(wrong.message).message().doesNotContain("\n");
        assertThat(server.storeRequests).hasSize(6);
        assertThat(blob(weights)).doesNotExist();

        server.always("store:/" + WEIGHTS, LocalHub.content(weights));
        assertThat(fetch().resolve(WEIGHTS)).as("nothing wrong is left").hasBinaryContent(weights);
    }

    @Test
    void whoSendsSomethingElseIsNotSaidToBeOutOfReach() {
        server.always("store:/" + WEIGHTS, LocalHub.content(Arrays.copyOf(weights, weights.length + 5)));
        assertThatThrownBy(this::fetch)
                .hasMessage("127.0.0.1 does not send what it tells (it sends more than the 300000"
                        + " bytes of owner/model/model.safetensors); somebody on the way changes it, or the server is broken: try"
                        + " another network, or set HF_ENDPOINT to a mirror; what was downloaded is kept, and the same command"
                        + " goes on from there");
    }

    @Test
    void everyAttemptThatComesFartherThanAllBeforeIsProgress() {
        // The server knows no ranges, so each attempt begins at the beginning.
        server.always("store:/" + WEIGHTS, exchange -> {
            int request = server.storeRequests.size();
            LocalHub.breakingOff(weights, Math.min(weights.length, 30_000 * request)).handle(exchange);
        });
        assertThat(fetch().resolve(WEIGHTS)).hasBinaryContent(weights);
        assertThat(server.storeRequests).hasSize(10);
        assertThat(told.done).hasValue(told.totals.getFirst());
    }

    private static byte[] zipped(byte[] content) throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (OutputStream out = new GZIPOutputStream(bytes)) {
            out.write(content);
        }
        return bytes.toByteArray();
    }

    /** What a proxy makes of content that it compresses though nobody asked for it: the length is another one too. */
    private static HttpHandler compressing(byte[] content, String... headers) {
        return exchange -> {
            for (int i = 0; i < headers.length; i += 2) {
                exchange.getResponseHeaders().set(headers[i], headers[i + 1]);
            }
            exchange.getResponseHeaders().set("Content-Encoding", "gzip");
            byte[] zipped = zipped(content);
            if (exchange.getRequestMethod().equals("HEAD")) {
                exchange.getResponseHeaders().set("Content-Length", "" + zipped.length);
                exchange.sendResponseHeaders(200, -1);
            } else {
                LocalHub.content(zipped).handle(exchange);
            }
        };
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 100_000})
    void whatAProxyCompressesIsUnpackedAndChecked(int arrivedBefore) throws IOException {
        byte[] list = ("{\"sha\": \"" + LocalHub.COMMIT + "\", \"siblings\": [{\"rfilename\": \"config.json\"}, "
                + "{\"rfilename\": \"model.safetensors\"}]}").getBytes(StandardCharsets.UTF_8);
        server.always("/revision/main", compressing(list));
        server.always("/tree/" + LocalHub.COMMIT, compressing(("[" + LocalHub.entry("config.json", config) + "]")
                .getBytes(StandardCharsets.UTF_8)));
        server.always("/config.json", compressing(config, "ETag", '"' + LocalHub.gitHash(config) + '"'));
        server.always("store:/" + WEIGHTS, compressing(weights));
        if (arrivedBefore > 0) {
            leavePartial(Arrays.copyOf(weights, arrivedBefore));
        }
        assertThat(fetch().resolve(WEIGHTS)).hasBinaryContent(weights);
        assertThat(repository().resolve("snapshots/" + LocalHub.COMMIT + "/config.json")).hasBinaryContent(config);
        assertThat(told.notes).isEmpty();
        assertThat(told.done).hasValue(told.totals.getFirst());
    }

    @Test
    void aPartOfWhatIsCompressedIsNoPartOfTheFile() throws IOException {
        leavePartial(Arrays.copyOf(weights, 100_000));
        server.fault("store:/" + WEIGHTS, exchange -> {
            exchange.getResponseHeaders().set("Content-Encoding", "gzip");
            exchange.getResponseHeaders().set("Content-Range", "bytes 100000-299999/300000");
            byte[] zipped = zipped(Arrays.copyOfRange(weights, 100_000, weights.length));
            exchange.sendResponseHeaders(206, zipped.length);
            exchange.getResponseBody().write(zipped);
        });
        assertThat(fetch().resolve(WEIGHTS)).hasBinaryContent(weights);
        assertThat(server.storeRequests.getLast()).isEqualTo("GET /model.safetensors");
    }
}
