package dev.come.hub;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assumptions.assumeThat;

import dev.come.FailedException;
import dev.come.InvalidInputException;
import dev.come.Progress;
import dev.come.UsageException;
import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The hub client against a local server that speaks the hub's routes. */
@Timeout(60)
class HubTests {
    private static final String MODEL = "owner/model";
    private static final String LISTING = "GET /api/models/owner/model/revision/main";
    private static final String WEIGHTS = "model.safetensors";
    /** Pauses of milliseconds rather than seconds. */
    private static final Retries QUICK = new Retries(4, Duration.ofMillis(1), Duration.ofMillis(4),
            Duration.ofSeconds(5), Duration.ofSeconds(20));
    private static final Retries IMPATIENT = new Retries(4, Duration.ofMillis(1), Duration.ofMillis(4),
            Duration.ofSeconds(5), Duration.ofSeconds(1));

    private final LocalHub server = new LocalHub();
    private final byte[] weights = bytes(300_000, 1);
    private final byte[] config = "{\"model_type\": \"llama\"}".getBytes(StandardCharsets.UTF_8);
    private final Told told = new Told();

    @TempDir
    Path cache;

    @BeforeEach
    void aModelOnTheHub() {
        server.file(MODEL, "config.json", config).file(MODEL, "tokenizer.json", "{}").file(MODEL, "README.md", "# Hi")
                .file(MODEL, WEIGHTS, weights);
    }

    @AfterEach
    void close() {
        server.close();
    }

    /** Remembers what was told. */
    private static final class Told implements Progress {
        final List<String> notes = Collections.synchronizedList(new ArrayList<>());
        final List<Long> totals = Collections.synchronizedList(new ArrayList<>());
        final AtomicLong done = new AtomicLong();

        @Override
        public Task begin(String what, long total, String unit) {
            assertThat(unit).isEqualTo(BYTES);
            totals.add(total);
            return done::addAndGet;
        }

        @Override
        public void note(String line) {
            notes.add(line);
        }
    }

    private static byte[] bytes(int count, long seed) {
        byte[] bytes = new byte[count];
        new Random(seed).nextBytes(bytes);
        return bytes;
    }

    private Path fetch() {
        return fetch(server.settings(cache));
    }

    private Path fetch(HubSettings settings) {
        return fetch(settings, QUICK);
    }

    private Path fetch(HubSettings settings, Retries retries) {
        try (Hub hub = new Hub(settings, told, retries)) {
            return hub.model(MODEL, "main");
        }
    }

    private HubSettings with(String token) {
        return new HubSettings(server.endpoint(), cache, Optional.of(token), false);
    }

    private HubSettings offline() {
        return new HubSettings(server.endpoint(), cache, Optional.empty(), true);
    }

    private Path repository() {
        return cache.resolve("models--owner--model");
    }

    private Path blob(byte[] content) {
        return repository().resolve("blobs").resolve(LocalHub.sha256(content));
    }

    private Path partial() {
        return blob(weights).resolveSibling(LocalHub.sha256(weights) + ".incomplete");
    }

    private void leavePartial(byte[] content) throws IOException {
        Files.createDirectories(partial().getParent());
        Files.write(partial(), content);
    }

    private static List<String> names(Path folder) throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            return files.map(file -> file.getFileName().toString()).sorted().toList();
        }
    }

    @Test
    void aModelLiesInTheCacheAsPythonLaysItOut() throws IOException {
        Path folder = fetch();

        assertThat(folder).isEqualTo(repository().resolve("snapshots").resolve(LocalHub.COMMIT));
        assertThat(names(folder)).containsExactly("config.json", WEIGHTS, "tokenizer.json");
        assertThat(repository().resolve("refs/main")).hasContent(LocalHub.COMMIT);
        assertThat(names(repository().resolve("refs"))).containsExactly("main");
        assertThat(Files.readSymbolicLink(folder.resolve(WEIGHTS)))
                .isEqualTo(Path.of("../../blobs", LocalHub.sha256(weights)));
        assertThat(Files.readSymbolicLink(folder.resolve("config.json")))
                .isEqualTo(Path.of("../../blobs", LocalHub.gitHash(config)));
        assertThat(folder.resolve(WEIGHTS)).hasBinaryContent(weights);
        assertThat(folder.resolve("config.json")).hasBinaryContent(config);
        assertThat(names(repository().resolve("blobs"))).hasSize(3).noneMatch(name -> name.endsWith("incomplete"));
        assertThat(Hub.nameOf(folder)).contains(MODEL);
        assertThat(told.totals).containsExactly(weights.length + config.length + 2L);
        assertThat(told.done).hasValue(weights.length + config.length + 2L);
    }

    @Test
    void aNameWithoutAnOwnerIsOneToo() throws IOException {
        server.file("gpt2", "config.json", config).file("gpt2", WEIGHTS, weights);
        try (Hub hub = new Hub(server.settings(cache), told, QUICK)) {
            Path folder = hub.model("gpt2", "main");
            assertThat(folder).isEqualTo(cache.resolve("models--gpt2/snapshots/" + LocalHub.COMMIT));
            assertThat(Hub.nameOf(folder)).contains("gpt2");
        }
    }

    @Test
    void whatIsInTheCacheIsNotFetchedAgain() {
        fetch();
        server.requests.clear();
        server.storeRequests.clear();
        fetch();
        assertThat(server.requests).containsExactly(LISTING);
        assertThat(server.storeRequests).isEmpty();
    }

    @Test
    void aCacheThatPythonMadeIsUsed() throws IOException {
        // As huggingface_hub 1.x leaves it behind after snapshot_download.
        byte[] tokenizer = "{}".getBytes(StandardCharsets.UTF_8);
        Path snapshot = Files.createDirectories(repository().resolve("snapshots/" + LocalHub.COMMIT));
        Files.createDirectories(repository().resolve("blobs"));
        Files.createDirectories(repository().resolve("refs"));
        Files.writeString(repository().resolve("refs/main"), LocalHub.COMMIT);
        for (var file : List.of(List.of("config.json", LocalHub.gitHash(config), config),
                List.of("tokenizer.json", LocalHub.gitHash(tokenizer), tokenizer),
                List.of(WEIGHTS, LocalHub.sha256(weights), weights))) {
            Files.write(repository().resolve("blobs").resolve((String) file.get(1)), (byte[]) file.get(2));
            Files.createSymbolicLink(snapshot.resolve((String) file.get(0)),
                    Path.of("../../blobs", (String) file.get(1)));
        }

        assertThat(fetch()).isEqualTo(snapshot);
        assertThat(server.requests).containsExactly(LISTING);
        server.requests.clear();
        assertThat(fetch(offline())).isEqualTo(snapshot);
        assertThat(server.requests).isEmpty();
    }

    @Test
    void aBlobWithoutANameIsNotFetchedAgain() throws IOException {
        Files.createDirectories(blob(weights).getParent());
        Files.write(blob(weights), weights);
        assertThat(fetch().resolve(WEIGHTS)).hasBinaryContent(weights);
        assertThat(server.storeRequests).isEmpty();
    }

    @Test
    void aBlobOfAnotherSizeIsFetchedAgain() throws IOException {
        Files.createDirectories(blob(weights).getParent());
        Files.write(blob(weights), bytes(10, 2));
        assertThat(fetch().resolve(WEIGHTS)).hasBinaryContent(weights);
    }

    @Test
    void aLinkToABlobThatWasRemovedIsMadeGoodAgain() throws IOException {
        Path folder = fetch();
        Files.delete(blob(weights));
        assertThat(Files.exists(folder.resolve(WEIGHTS), LinkOption.NOFOLLOW_LINKS)).isTrue();
        assertThat(fetch().resolve(WEIGHTS)).hasBinaryContent(weights);
    }

    @Test
    void onlyTheShardsThatTheIndexNamesAreFetched() throws IOException {
        String sharded = "owner/sharded";
        server.file(sharded, "config.json", config).file(sharded, "model.safetensors.index.json", """
                {"metadata": {}, "weight_map": {"a": "model-00001-of-00002.safetensors",
                 "b": "model-00002-of-00002.safetensors", "c": "model-00001-of-00002.safetensors"}}""")
                .file(sharded, "model-00001-of-00002.safetensors", bytes(1000, 3))
                .file(sharded, "model-00002-of-00002.safetensors", bytes(2000, 4))
                .file(sharded, "consolidated.safetensors", bytes(3000, 5))
                .file(sharded, "pytorch_model.bin", bytes(10, 6)).file(sharded, "onnx/model.onnx", bytes(10, 7))
                .file(sharded, "original/params.json", "{}").file(sharded, "tokenizer_config.json", "{ }")
                .file(sharded, "LICENSE", "free").file(sharded, "modeling_own.py", "boom()")
                .file(sharded, "additional_chat_templates/tools.jinja", "{{ }}");
        try (Hub hub = new Hub(server.settings(cache), told, QUICK)) {
            Path folder = hub.model(sharded, "main");
            assertThat(names(folder)).containsExactly("LICENSE", "additional_chat_templates", "config.json",
                    "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors",
                    "model.safetensors.index.json", "tokenizer_config.json");
            Path template = folder.resolve("additional_chat_templates/tools.jinja");
            assertThat(template).hasContent("{{ }}");
            assertThat(Files.readSymbolicLink(template).toString()).startsWith("../../../blobs/");
        }
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            pytorch_model.bin | only as pickles (*.bin), which can hold programs and are not fetched; look for
            model-Q4_0.gguf   | has its weights as .gguf; download the one file
            tf_model.h5       | has neither model.safetensors nor model.safetensors.index.json
            """)
    void aModelWithoutSafetensorsIsRefusedBeforeAnythingIsFetched(String file, String message) {
        server.file("owner/old", "config.json", config).file("owner/old", file, "x");
        try (Hub hub = new Hub(server.settings(cache), told, QUICK)) {
            assertThatThrownBy(() -> hub.model("owner/old", "main")).isInstanceOf(InvalidInputException.class)
                    .hasMessageContaining("owner/old").hasMessageContaining(message);
        }
        assertThat(server.requests).containsExactly("GET /api/models/owner/old/revision/main");
    }

    @Test
    void whatIsNoModelIsRefused() {
        server.file("owner/notes", "README.md", "# Hi");
        try (Hub hub = new Hub(server.settings(cache), told, QUICK)) {
            assertThatThrownBy(() -> hub.model("owner/notes", "main")).hasMessageContaining("has no config.json");
        }
    }

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
    void aRenamedRepositoryIsFollowed() {
        for (String path : List.of("/api/models/owner/model/revision/main", "/owner/model/resolve/" + LocalHub.COMMIT
                + "/config.json")) {
            for (int i = 0; i < 2; i++) {
                server.fault(path.replace("owner/model", "old/name"),
                        LocalHub.status(307, "Location", path));
            }
        }
        String base = "/old/name/resolve/" + LocalHub.COMMIT + "/";
        for (String file : List.of("tokenizer.json", WEIGHTS)) {
            for (int i = 0; i < 2; i++) {
                server.fault(base + file, LocalHub.status(307, "Location",
                        "/owner/model/resolve/" + LocalHub.COMMIT + "/" + file));
            }
        }
        try (Hub hub = new Hub(with("t"), told, QUICK)) {
            Path folder = hub.model("old/name", "main");
            assertThat(folder.resolve(WEIGHTS)).hasBinaryContent(weights);
            assertThat(folder.toString()).contains("models--old--name");
        }
        assertThat(server.storeTokens).isEmpty();
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
            int from = i * 20_000;
            server.fault("store:/" + WEIGHTS, exchange -> {
                exchange.getResponseHeaders().set("Content-Range",
                        "bytes " + from + "-" + (weights.length - 1) + "/" + weights.length);
                exchange.sendResponseHeaders(from == 0 ? 200 : 206, weights.length - from);
                exchange.getResponseBody().write(weights, from, 20_000);
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

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            401 | GatedRepo        | -     | owner/model is gated | and set HF_TOKEN to a token of your account
            403 | GatedRepo        | token | owner/model is gated | with the account that the token
            401 | RepoNotFound     | -     | is no model at http  | set HF_TOKEN to a token that may read it
            401 | RepoNotFound     | token | is no model at http  | that the token may read it
            401 | -                | token | does not accept the token | make a new one
            403 | -                | token | does not let you have owner/model (403) | check that the token may read it
            403 | DisabledRepo     | -     | does not let you have owner/model (403) | for the reason
            404 | RepoNotFound     | -     | is no model at http  | nor a folder here; check the spelling
            404 | -                | -     | is no model at http  | nor a folder here; check the spelling
            404 | RevisionNotFound | -     | has no revision 'main' | give one as --revision
            """)
    void whatTheUserMustMendIsSaidAtOnce(int status, String code, String token, String what, String advice) {
        server.fault("/revision/main",
                code.equals("-") ? LocalHub.status(status) : LocalHub.status(status, "X-Error-Code", code));
        assertThatThrownBy(() -> fetch(token.equals("-") ? server.settings(cache) : with(token)))
                .isInstanceOf(InvalidInputException.class).hasMessageContaining(what).hasMessageContaining(advice)
                .message().doesNotContain("\n");
        assertThat(server.requests).hasSize(1);
    }

    @Test
    void aFileThatWasListedButIsGoneIsNamed() {
        server.fault("/tokenizer.json", LocalHub.status(404, "X-Error-Code", "EntryNotFound"));
        assertThatThrownBy(this::fetch).isInstanceOf(InvalidInputException.class)
                .hasMessageContaining("owner/model has no file tokenizer.json at revision main");
    }

    @Test
    void aGatedFileOfAListThatIsOpenIsToldOf() {
        server.fault("/" + WEIGHTS, LocalHub.status(401, "X-Error-Code", "GatedRepo"));
        assertThatThrownBy(this::fetch).isInstanceOf(InvalidInputException.class).hasMessageContaining("is gated");
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

    @Test
    void withoutAnAnswerWhatTheCacheHasIsTaken() {
        Path folder = fetch();
        server.fault("/revision/main", LocalHub.status(503));
        told.notes.clear();
        assertThat(fetch()).isEqualTo(folder);
        assertThat(told.notes).containsExactly("127.0.0.1 does not answer; of owner/model what the cache has is taken "
                + "(commit " + LocalHub.COMMIT + ").");
    }

    @Test
    void withoutAServerWhatTheCacheHasIsTaken() throws IOException {
        Path folder = fetch();
        server.close();
        assertThat(fetch()).isEqualTo(folder);
        Files.delete(folder.resolve(WEIGHTS));
        assertThatThrownBy(this::fetch).isInstanceOf(FailedException.class)
                .hasMessageContaining("127.0.0.1 cannot be reached (no connection)");
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
    void offlineOnlyTheCacheIsLookedAt() throws IOException {
        assertThatThrownBy(() -> fetch(offline())).isInstanceOf(InvalidInputException.class)
                .hasMessageContaining("has no model owner/model of revision main, and HF_HUB_OFFLINE forbids");
        assertThat(server.requests).isEmpty();

        Path folder = fetch();
        server.requests.clear();
        assertThat(fetch(offline())).isEqualTo(folder);
        try (Hub hub = new Hub(offline(), told, QUICK)) {
            assertThat(hub.model(MODEL, LocalHub.COMMIT)).isEqualTo(folder);
            assertThatThrownBy(() -> hub.model(MODEL, "other")).hasMessageContaining("of revision other");
        }

        Files.delete(folder.resolve(WEIGHTS)); // as after AutoConfig.from_pretrained alone
        assertThatThrownBy(() -> fetch(offline())).isInstanceOf(InvalidInputException.class)
                .hasMessageContaining("has owner/model without model.safetensors, and HF_HUB_OFFLINE");
        assertThat(server.requests).isEmpty();
    }

    @Test
    void anotherRevisionHasItsOwnReference() {
        try (Hub hub = new Hub(server.settings(cache), told, QUICK)) {
            hub.model(MODEL, "refs/pr/7");
            assertThat(server.requests).first().isEqualTo("GET /api/models/owner/model/revision/refs%2Fpr%2F7");
            assertThat(repository().resolve("refs/refs/pr/7")).hasContent(LocalHub.COMMIT);
            hub.model(MODEL, LocalHub.COMMIT);
            assertThat(repository().resolve("refs").resolve(LocalHub.COMMIT)).doesNotExist();
        }
    }

    @Test
    void aNewCommitGetsASnapshotOfItsOwnAndSharesWhatDidNotChange() throws IOException {
        Path first = fetch();
        String commit = "f".repeat(40);
        server.fault("/revision/main", LocalHub.content(("{\"sha\": \"" + commit + "\", \"siblings\": [{\"rfilename\": "
                + "\"config.json\"}, {\"rfilename\": \"model.safetensors\"}]}").getBytes(StandardCharsets.UTF_8)));
        byte[] changed = "{}  ".getBytes(StandardCharsets.UTF_8);
        server.fault(commit + "/config.json", LocalHub.status(200, "ETag", '"' + LocalHub.gitHash(changed) + '"',
                "Content-Length", "4"));
        server.fault(commit + "/config.json", LocalHub.content(changed));
        server.fault(commit + "/" + WEIGHTS, LocalHub.status(302, "X-Linked-Etag", '"' + LocalHub.sha256(weights) + '"',
                "X-Linked-Size", "" + weights.length, "Location", "http://localhost:1/"));
        Path second = fetch();
        assertThat(second.getFileName()).hasToString(commit);
        assertThat(second.resolve("config.json")).hasBinaryContent(changed);
        assertThat(first.resolve("config.json")).hasBinaryContent(config);
        assertThat(Files.isSameFile(first.resolve(WEIGHTS), second.resolve(WEIGHTS))).isTrue();
        assertThat(repository().resolve("refs/main")).hasContent(commit);
        assertThat(server.storeRequests(WEIGHTS)).isEqualTo(1);
    }

    @Test
    void anInterruptedUpdateLeavesTheReferenceAsItWas() throws IOException {
        fetch();
        String commit = "f".repeat(40);
        server.fault("/revision/main", LocalHub.content(("{\"sha\": \"" + commit + "\", \"siblings\": [{\"rfilename\": "
                + "\"config.json\"}, {\"rfilename\": \"model.safetensors\"}]}").getBytes(StandardCharsets.UTF_8)));
        // Files are fetched at the same time, so both fail in the same way.
        server.fault(commit + "/config.json", LocalHub.status(404));
        server.fault(commit + "/" + WEIGHTS, LocalHub.status(404));
        assertThatThrownBy(this::fetch).isInstanceOf(InvalidInputException.class);
        assertThat(repository().resolve("refs/main")).hasContent(LocalHub.COMMIT);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"../evil", "a/../b", "/etc/passwd", "a/b/c", "a\\b", "a--b/c", "a/b..c", ".hidden/x", "a/.x",
                "a/b.git", "", " ", "a b", "a/", "/b", "C:\\x", "a/-b", "ü/x", "a\0b", "a\nb"})
    void aNameThatCouldLeaveTheCacheIsNone(String name) {
        assertThat(Hub.isName(name)).isFalse();
        try (Hub hub = new Hub(server.settings(cache), told, QUICK)) {
            assertThatThrownBy(() -> hub.model(name, "main")).isInstanceOf(UsageException.class);
        }
        assertThat(server.requests).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(strings = {"HuggingFaceTB/SmolLM2-135M", "gpt2", "a/b", "Qwen/Qwen2.5-0.5B-Instruct", "x_y/z_1",
        "_owner/model_"})
    void anOrdinaryNameIsOne(String name) {
        assertThat(Hub.isName(name)).isTrue();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"../../x", "..", "a/../b", "/etc", "a//b", "", "-x", ".x", "a\\b", "a b", "a\n", "refs/../x",
                "a?b", "a#b", "a%2e"})
    void aRevisionThatCouldLeaveTheCacheIsRefused(String revision) {
        try (Hub hub = new Hub(server.settings(cache), told, QUICK)) {
            assertThatThrownBy(() -> hub.model(MODEL, revision)).isInstanceOf(UsageException.class)
                    .hasMessageContaining("--revision");
        }
        assertThat(server.requests).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(strings = {"../../x.safetensors", "/tmp/x.safetensors", "..\\x.safetensors", "sub/x.safetensors",
        "x.bin", "..", "a\0.safetensors", ""})
    void anIndexThatLeadsOutOfTheFolderIsRefused(String shard) {
        server.file("owner/evil", "config.json", config).file("owner/evil", "model.safetensors.index.json",
                "{\"weight_map\": {\"a\": \"" + shard.replace("\\", "\\\\").replace("\0", "\\u0000") + "\"}}");
        try (Hub hub = new Hub(server.settings(cache), told, QUICK)) {
            assertThatThrownBy(() -> hub.model("owner/evil", "main")).isInstanceOf(InvalidInputException.class);
        }
        assertThat(server.storeRequests).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(strings = {"additional_chat_templates/..\\..\\x.jinja", "additional_chat_templates/a:b.jinja"})
    void aListedNameThatLeadsOutOfTheFolderIsRefused(String file) {
        server.file(MODEL, file, "x");
        assertThatThrownBy(this::fetch).isInstanceOf(InvalidInputException.class)
                .hasMessageContaining("could lead out of the cache");
        assertThat(repository()).doesNotExist();
    }

    @ParameterizedTest
    @ValueSource(strings = {"../../../evil", "/etc/evil", "..", ".hidden", "a b", "", "x/y"})
    void anEtagThatCouldLeaveTheCacheIsRefused(String etag) {
        server.fault("/config.json",
                LocalHub.status(200, "ETag", '"' + etag + '"', "Content-Length", "" + config.length));
        assertThatThrownBy(this::fetch).isInstanceOf(FailedException.class)
                .hasMessageContaining("is no name for a file");
        assertThat(cache.resolveSibling("evil")).doesNotExist();
    }

    @ParameterizedTest
    @ValueSource(strings = {"../../evil", "main", "0123", "0123456789ABCDEF0123456789ABCDEF01234567"})
    void aCommitThatIsNoneIsRefused(String commit) {
        server.fault("/revision/main",
                LocalHub.content(("{\"sha\": \"" + commit + "\"}").getBytes(StandardCharsets.UTF_8)));
        assertThatThrownBy(this::fetch).isInstanceOf(FailedException.class).hasMessageContaining("tells no commit");
    }

    @Test
    void contentOfAnotherCommitIsRefused() {
        server.fault("/config.json", LocalHub.status(200, "ETag", '"' + LocalHub.gitHash(config) + '"',
                "Content-Length", "" + config.length, "X-Repo-Commit", "f".repeat(40)));
        assertThatThrownBy(this::fetch).isInstanceOf(FailedException.class).hasMessageContaining("of commit fff");
    }

    @Test
    void aReferenceInTheCacheThatIsNoCommitIsNotFollowed() throws IOException {
        Files.createDirectories(repository().resolve("refs"));
        Files.writeString(repository().resolve("refs/main"), "../../../elsewhere");
        assertThatThrownBy(() -> fetch(offline())).hasMessageContaining("HF_HUB_OFFLINE forbids");
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

    @Test
    void theSameContentUnderTwoNamesIsFetchedOnce() {
        server.file(MODEL, "tokenizer_config.json", "{}");
        Path folder = fetch();
        assertThat(folder.resolve("tokenizer_config.json")).hasContent("{}");
        assertThat(
                server.requests.stream().filter(request -> request.startsWith("GET") && request.contains("tokenizer")))
                .hasSize(1);
    }

    @Test
    void emptyFilesAreFilesToo() {
        server.file(MODEL, "merges.txt", "");
        assertThat(fetch().resolve("merges.txt")).exists().isEmptyFile();
    }

    @Test
    void twoAtOnceFetchAFileOnce() throws Exception {
        try (ExecutorService threads = Executors.newFixedThreadPool(3)) {
            List<Future<Path>> folders = threads.invokeAll(Collections.nCopies(3, (Callable<Path>) this::fetch));
            for (Future<Path> folder : folders) {
                assertThat(folder.get().resolve(WEIGHTS)).hasBinaryContent(weights);
            }
        }
        assertThat(server.storeRequests(WEIGHTS)).isEqualTo(1);
    }

    @Test
    void twoProcessesFetchAFileOnce() throws Exception {
        server.fault("store:/" + WEIGHTS, exchange -> { // slow enough that the other one must wait
            exchange.sendResponseHeaders(200, weights.length);
            exchange.getResponseBody().write(weights, 0, 1000);
            exchange.getResponseBody().flush();
            try {
                Thread.sleep(300);
            } catch (InterruptedException _) {
                // the test is over
            }
            exchange.getResponseBody().write(weights, 1000, weights.length - 1000);
        });
        List<Process> processes = new ArrayList<>();
        for (int i = 0; i < 2; i++) {
            processes.add(new ProcessBuilder(Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                    "--enable-native-access=ALL-UNNAMED", "-cp", System.getProperty("java.class.path"),
                    OtherProcess.class.getName(), server.endpoint().toString(), cache.toString()).inheritIO().start());
        }
        for (Process process : processes) {
            assertThat(process.waitFor()).isZero();
        }
        assertThat(repository().resolve("snapshots/" + LocalHub.COMMIT + "/" + WEIGHTS)).hasBinaryContent(weights);
        assertThat(server.storeRequests(WEIGHTS)).isEqualTo(1);
    }

    /** Fetches the model as another process. */
    static final class OtherProcess {
        static void main(String[] arguments) {
            HubSettings settings = new HubSettings(URI.create(arguments[0]), Path.of(arguments[1]),
                    Optional.empty(), false);
            try (Hub hub = new Hub(settings, Progress.NONE, QUICK)) {
                hub.model(MODEL, "main");
            }
        }
    }

    @Test
    void aLockThatAnotherHoldsIsWaitedFor() throws Exception {
        Path lock = cache.resolve(".locks/models--owner--model/" + LocalHub.sha256(weights) + ".lock");
        Files.createDirectories(lock.getParent());
        try (ExecutorService threads = Executors.newFixedThreadPool(1)) {
            Future<Path> folder;
            try (HubLock _ = HubLock.take(lock, () -> {
            })) {
                folder = threads.submit(() -> fetch());
                while (told.notes.isEmpty()) {
                    Thread.sleep(10);
                }
                assertThat(server.storeRequests).isEmpty();
            }
            assertThat(folder.get().resolve(WEIGHTS)).hasBinaryContent(weights);
        }
        assertThat(told.notes)
                .containsExactly("Another process is fetching owner/model/model.safetensors; waiting for it.");
    }

    @Test
    @EnabledOnOs(value = OS.LINUX, disabledReason = "only Linux has /dev/full")
    void aFullDiskIsSaidSo() throws IOException {
        Files.createDirectories(partial().getParent());
        Files.createSymbolicLink(partial(), Path.of("/dev/full"));
        assertThatThrownBy(this::fetch).isInstanceOf(FailedException.class)
                .hasMessageContaining("owner/model/model.safetensors cannot be written to")
                .hasMessageContaining("No space left on device")
                .hasMessageContaining("set HF_HOME to a folder on another disk");
        Files.delete(partial());
    }

    @Test
    void aModelThatIsLargerThanTheDiskIsNotBegun() {
        server.fault("/" + WEIGHTS, LocalHub.status(302, "X-Linked-Etag", '"' + "a".repeat(64) + '"', "X-Linked-Size",
                "900000000000000000", "Location", "http://localhost:1/"));
        assertThatThrownBy(this::fetch).isInstanceOf(FailedException.class)
                .hasMessageContaining("owner/model needs 900 PB more").hasMessageContaining("are free there");
        assertThat(server.storeRequests).isEmpty();
    }

    @Test
    void aCacheThatMayNotBeWrittenIsNamed() throws IOException {
        Path file = Files.writeString(cache.resolve("file"), "");
        assertThatThrownBy(() -> fetch(server.settings(file.resolve("below")))).isInstanceOf(FailedException.class)
                .hasMessageContaining("file").hasMessageContaining("set HF_HOME to another folder");
        Path locked = Files.createDirectories(cache.resolve("locked"));
        assumeThat(locked.toFile().setWritable(false) && !Files.isWritable(locked)).as("this user may write everywhere")
                .isTrue();
        assertThatThrownBy(() -> fetch(server.settings(locked))).isInstanceOf(FailedException.class)
                .hasMessageContaining("permission denied");
    }

    @Test
    void aDataSetLiesBesideTheModels() {
        server.file("datasets/owner/texts", "sub/train-00000-of-00001.parquet", weights)
                .file("datasets/owner/texts", "a file.txt", "hello");
        try (Hub hub = new Hub(server.settings(cache), told, QUICK)) {
            HubSnapshot snapshot = hub.dataset("owner/texts");
            assertThat(snapshot.files()).containsExactly("sub/train-00000-of-00001.parquet", "a file.txt");
            Path folder = snapshot.fetch(snapshot.files());
            assertThat(folder).isEqualTo(cache.resolve("datasets--owner--texts/snapshots/" + LocalHub.COMMIT));
            assertThat(folder.resolve("sub/train-00000-of-00001.parquet")).hasBinaryContent(weights);
            assertThat(folder.resolve("a file.txt")).hasContent("hello");
            assertThat(server.requests).contains("GET /api/datasets/owner/texts/revision/main",
                    "HEAD /datasets/owner/texts/resolve/" + LocalHub.COMMIT + "/a%20file.txt");
            assertThat(Hub.nameOf(folder)).isEmpty();
        }
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
