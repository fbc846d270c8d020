package dev.come.hub;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

import com.sun.net.httpserver.HttpHandler;
import dev.come.FailedException;
import dev.come.InterruptedRunException;
import dev.come.InvalidInputException;
import dev.come.Progress;
import dev.come.UsageException;
import dev.come.failure.UnderWay;
import dev.come.hub.HubUpload.Entry;
import dev.come.hub.HubUpload.Plan;
import dev.come.hub.HubUpload.Result;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Uploads to a local server that speaks the hub's routes, over a network and with servers that fail. */
@Timeout(60)
class HubUploadTests {
    private static final String NAME = "owner/small";
    private static final String WEIGHTS = "model.safetensors";

    private final UploadHub server = new UploadHub();
    private final HubTrial.Told told = new HubTrial.Told();
    private final byte[] weights = HubTrial.bytes(250_000, 1);
    private final SortedMap<String, Path> files = new TreeMap<>();

    @TempDir
    private Path folder;

    @BeforeEach
    void aModel() throws IOException {
        file("config.json", "{}".getBytes(StandardCharsets.UTF_8));
        file("README.md", "# Hi".getBytes(StandardCharsets.UTF_8));
        file(WEIGHTS, weights);
    }

    @AfterEach
    void close() {
        server.close();
        Thread.interrupted();
    }

    private void file(String name, byte[] content) throws IOException {
        files.put(name, Files.write(Files.createDirectories(folder.resolve("model")).resolve(name), content));
    }

    private HubUpload.Request request() {
        return new HubUpload.Request(NAME, "main", false, "Push", files, state());
    }

    private Path state() {
        return folder.resolve("state");
    }

    private Result push() {
        return push(request());
    }

    private Result push(HubUpload.Request request) {
        return push(request, told, HubTrial.QUICK);
    }

    private Result push(HubUpload.Request request, Progress progress, Retries retries) {
        try (Hub hub = new Hub(server.settings(folder.resolve("cache")), progress, retries)) {
            return hub.upload(request).run();
        }
    }

    private void assertThatAllIsThere() {
        assertThat(server.files(NAME, "main")).containsEntry(WEIGHTS, weights).containsKeys("config.json",
                "README.md");
        assertThat(told.done).hasValue(told.totals.stream().mapToLong(Long::longValue).sum());
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 100_000, 250_000, 1 << 20})
    void aNewModelIsMadeAndSentInOneCommit(int partBytes) throws IOException {
        server.partBytes = partBytes;
        Result result = push();
        assertThat(result.commit()).contains(UploadHub.COMMIT);
        assertThat(result.plan().page()).isEqualTo(server.endpoint().resolve("/" + NAME));
        assertThatAllIsThere();
        assertThat(server.messages).containsExactly("Push");
        assertThat(server.secret).isEmpty();
        assertThat(server.hubTokens).containsExactly("Bearer hf_secret");
        assertThat(server.storeTokens).isEmpty();
        assertThat(server.storeRequests).hasSize(partBytes == 100_000 ? 3 : 1);
        assertThat(told.notes).isEmpty();
        assertThat(stateFiles()).isEmpty();
    }

    private List<Path> stateFiles() throws IOException {
        try (Stream<Path> kept = Files.list(state())) {
            return kept.filter(path -> path.toString().endsWith(".json")).toList();
        }
    }

    @Test
    void whatIsThereIsNotSentAgain() throws IOException {
        push();
        server.storeRequests.clear();
        server.requests.clear();
        assertThat(push().commit()).isEmpty();
        assertThat(server.storeRequests).isEmpty();
        assertThat(server.requests).noneMatch(line -> line.contains("/commit/") || line.contains("batch"));

        file("README.md", "# Results".getBytes(StandardCharsets.UTF_8));
        Result result = push();
        assertThat(result.plan().files()).containsExactly(new Entry("README.md", 9, false, false),
                new Entry("config.json", 2, false, true), new Entry(WEIGHTS, weights.length, true, true));
        assertThat(server.storeRequests).isEmpty();
        assertThat(server.files(NAME, "main").get("README.md")).asString().isEqualTo("# Results");
    }

    @Test
    void aDryRunChangesNothing() {
        try (Hub hub = new Hub(server.settings(folder), told, HubTrial.QUICK)) {
            Plan plan = hub.upload(request()).plan();
            assertThat(plan.asked()).isTrue();
            assertThat(plan.newRepository()).isTrue();
            assertThat(plan.files()).contains(new Entry(WEIGHTS, weights.length, true, false));
            server.make(NAME);
            assertThat(hub.upload(request()).plan().newRepository()).isFalse();
        }
        assertThat(server.files(NAME, "main")).containsOnlyKeys(".gitattributes");
        try (Hub hub = new Hub(new HubSettings(server.endpoint(), folder, Optional.empty(), false), told)) {
            server.requests.clear();
            Plan plan = hub.upload(request()).plan();
            assertThat(plan.asked()).isFalse();
            assertThat(plan.files()).extracting(Entry::large).containsExactly(false, false, true);
            assertThat(server.requests).isEmpty();
        }
    }

    @Test
    void anInterruptedUploadGoesOnWithThePartsThatAreMissing() throws IOException {
        server.partBytes = 100_000;
        Thread thread = Thread.currentThread();
        AtomicLong sent = new AtomicLong();
        Progress interrupting = new Progress() {
            @Override
            public Task begin(String what, long total, String unit) {
                return steps -> {
                    if (what.startsWith("uploading") && sent.addAndGet(steps) > 150_000) {
                        thread.interrupt();
                        throw new InterruptedRunException();
                    }
                };
            }

            @Override
            public void note(String line) {
                // nobody reads it
            }
        };
        server.fault("store:PUT", server.asUsual());
        server.fault("store:PUT", exchange -> { // the second part is taken by half
            exchange.getRequestBody().readNBytes(50_000);
            sleep();
        });
        Throwable failure = catchThrowable(() -> push(request(), interrupting, HubTrial.QUICK));
        assertThat(failure).isInstanceOf(FailedException.class);
        assertThat(Thread.interrupted()).isTrue();
        assertThat(UnderWay.howToGoOn()).isEmpty();
        assertThat(stateFiles()).singleElement().satisfies(file -> {
            assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(file))).isEqualTo("rw-------");
            assertThat(Files.readString(file)).doesNotContain("hf_secret");
        });
        assertThat(server.files(NAME, "main")).containsOnlyKeys(".gitattributes");
        assertThat(server.storeRequests).containsExactly("PUT 1/1 100000");

        push();
        assertThatAllIsThere();
        assertThat(told.totals.getLast()).isEqualTo(weights.length - 100_000L);
        assertThat(server.storeRequests).containsExactly("PUT 1/1 100000", "PUT 1/2 100000", "PUT 1/3 50000");
        assertThat(stateFiles()).isEmpty();
    }

    private static void sleep() {
        try {
            Thread.sleep(20_000);
        } catch (InterruptedException _) {
            // the test is over
        }
    }

    @Test
    void partsThatTheStoreHasForgottenAreSentAgain() {
        server.partBytes = 100_000;
        server.fault("POST /complete", LocalHub.status(500));
        server.fault("POST /complete", exchange -> {
            server.forget();
            LocalHub.status(404).handle(exchange);
        });
        push();
        assertThatAllIsThere();
        assertThat(server.storeRequests).hasSize(6);
        assertThat(told.notes).hasSize(2).last().asString().isEqualTo("127.0.0.1 gives a fresh address for "
                + WEIGHTS + ", which is sent once more from its beginning.");
    }

    @Test
    void addressesThatAreNeverGoodAreGivenUp() {
        for (int i = 0; i < 10; i++) {
            server.fault("store:PUT", LocalHub.status(403));
        }
        assertThatThrownBy(this::push).isInstanceOf(FailedException.class).hasMessage(
                "localhost does not take model.safetensors (403), though the hub sent it there; try again later");
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 70_000})
    void aStoreThatClosesIsSentThePartAgain(int after) {
        server.partBytes = 100_000;
        for (int i = 0; i < 3; i++) {
            server.fault("store:PUT", UploadHub.closingAfter(after));
        }
        push();
        assertThatAllIsThere();
        assertThat(told.notes).isNotEmpty().allMatch(line -> line.startsWith("localhost: "));
    }

    @ParameterizedTest
    @CsvSource({"429,too many requests", "503,the server has a failure (503)", "408,no answer in time",
        "400,it does not take model.safetensors (400)"})
    void aStoreThatCannotNowIsAskedAgain(int status, String reason) {
        server.fault("store:PUT",
                status == 429 ? LocalHub.status(status, "Retry-After", "0") : LocalHub.status(status));
        push();
        assertThatAllIsThere();
        assertThat(told.notes).singleElement().asString().startsWith("localhost: " + reason + "; trying again in ");
    }

    @ParameterizedTest
    @ValueSource(strings = {"GET /api/models/owner/small", "POST /api/repos/create", "/preupload/", "/batch",
        "/verify", "/commit/", "/tree/"})
    void aHubThatCannotNowIsAskedAgain(String route) {
        server.fault(route, LocalHub.status(502));
        server.fault(route, UploadHub.closingAfter(0));
        push();
        assertThatAllIsThere();
        assertThat(told.notes).isNotEmpty();
    }

    @Test
    void aCommitWhoseAnswerIsLostIsNotMadeTwice() {
        server.make(NAME);
        HttpHandler lost = exchange -> {
            String body = new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8);
            assertThat(body.lines()).hasSize(4);
            files.forEach((name, path) -> server.files(NAME, "main").put(name, read(path)));
            throw new IOException("lost");
        };
        server.fault("/commit/main", lost);
        assertThat(push().commit()).isEmpty();
        assertThatAllIsThere();
        assertThat(server.requests).filteredOn(line -> line.contains("/commit/")).hasSize(1);
    }

    private static byte[] read(Path path) {
        try {
            return Files.readAllBytes(path);
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {409, 412})
    void aCommitThatMeetsAnotherIsTriedAgain(int status) {
        server.fault("/commit/main", LocalHub.status(status));
        push();
        assertThatAllIsThere();
        assertThat(told.notes).singleElement().asString()
                .startsWith("127.0.0.1: somebody else is writing to owner/small; trying again in ");
    }

    @ParameterizedTest
    @CsvSource({"POST /api/repos/create,403,does not let the token (HF_TOKEN) write to owner/small (403: a b)",
        "/commit/,403,does not let the token (HF_TOKEN) write to owner/small (403: a b)",
        "GET /api/models/owner/small,401,does not accept the token (HF_TOKEN",
        "/batch,404,is no model at",
        "/preupload/,401,does not accept the token (HF_TOKEN",
        "/commit/,422,refuses to take owner/small (422: a b)",
        "/batch,413,takes no more for owner/small (413: a b)"})
    void whatTheHubRefusesIsToldInWords(String route, int status, String words) {
        server.fault(route, LocalHub.status(status, "X-Error-Message", "a b"));
        assertThatThrownBy(this::push).hasMessageContaining(words).satisfies(
                failure -> assertThat(failure.getMessage()).doesNotContain("hf_secret"));
        assertThat(told.notes).isEmpty();
        assertThat(server.files(NAME, "main")).doesNotContainKey("config.json");
    }

    @Test
    void aNetworkThatStaysAwayEndsTheUpload() {
        server.partBytes = 100_000;
        server.fault("store:PUT", exchange -> { // after the first part nothing works
            for (int i = 0; i < 9; i++) {
                server.fault("store:PUT", LocalHub.status(503));
            }
            LocalHub.status(503).handle(exchange);
        });
        assertThatThrownBy(this::push).isInstanceOf(FailedException.class)
                .hasMessage("localhost cannot be reached (the server has a failure (503)); check the network, or try"
                        + " again later; what was sent is kept, and the same command goes on from there");
    }

    @Test
    void aStoreThatFallsSilentIsGivenUp() {
        server.fault("store:PUT", _ -> sleep());
        push(request(), told, HubTrial.IMPATIENT);
        assertThatAllIsThere();
        assertThat(told.notes).first().asString().contains("no answer in time");
    }

    @Test
    void privateIsPrivateBeforeAnythingIsSent() {
        HubUpload.Request secret = new HubUpload.Request(NAME, "main", true, "Push", files, state());
        push(secret);
        assertThat(server.secret).containsExactly(NAME);
        push(secret); // again

        server.secret.clear();
        assertThatThrownBy(() -> push(secret)).isInstanceOf(UsageException.class)
                .hasMessageStartingWith("--private makes a new repository private, but owner/small is there already");
        server.repositories.clear();
        server.ignoresPrivate = true;
        server.storeRequests.clear();
        assertThatThrownBy(() -> push(secret)).isInstanceOf(FailedException.class)
                .hasMessageContaining("made owner/small, but not private, so nothing was sent");
        assertThat(server.storeRequests).isEmpty();
    }

    @Test
    void aBranchIsMadeFromTheMainOne() {
        push();
        assertThat(push(new HubUpload.Request(NAME, "try", false, "Push", files, state())).plan().newBranch()).isTrue();
        assertThat(server.files(NAME, "try")).containsEntry(WEIGHTS, weights);
    }

    /** Loaders would take the old weights for the new ones, or both. */
    @Test
    void weightsOfAnotherModelGo() {
        server.make(NAME);
        server.files(NAME, "main").putAll(Map.of("model-00001-of-00002.safetensors", new byte[9],
                "model.safetensors.index.json", new byte[9], "adapter_model.safetensors", new byte[9]));
        assertThat(push().plan().removed()).containsExactly("model-00001-of-00002.safetensors",
                "model.safetensors.index.json");
        assertThat(server.files(NAME, "main")).containsOnlyKeys(".gitattributes", "README.md",
                "adapter_model.safetensors", "config.json", WEIGHTS);
    }

    @Test
    void aFileWithTheTokenIsNotSent() throws IOException {
        file("README.md", "my token is hf_secret, see".getBytes(StandardCharsets.UTF_8));
        assertThatThrownBy(this::push).isInstanceOf(InvalidInputException.class)
                .hasMessageStartingWith("README.md holds the token for the hub").hasMessageNotContaining("hf_secret");
        assertThat(server.requests).isEmpty();
    }

    @Test
    void aFileThatChangesMeanwhileEndsTheUpload() {
        server.fault("/batch", exchange -> {
            Files.write(files.get(WEIGHTS), new byte[10]);
            LocalHub.status(503).handle(exchange);
        });
        assertThatThrownBy(this::push).isInstanceOf(FailedException.class).hasMessage(files.get(WEIGHTS)
                + " was changed while it was pushed; wait until nobody writes there, and push again");
        assertThat(server.files(NAME, "main")).containsOnlyKeys(".gitattributes");
    }

    @Test
    void withoutATokenOrANetworkNothingIsTried() {
        for (HubSettings settings : new HubSettings[]{
            new HubSettings(server.endpoint(), folder, Optional.empty(), false),
            new HubSettings(server.endpoint(), folder, Optional.of("hf_secret"), true)}) {
            try (Hub hub = new Hub(settings, told)) {
                assertThatThrownBy(() -> hub.upload(request()).run()).isInstanceOf(InvalidInputException.class)
                        .hasMessageContaining(settings.offline() ? "HF_HUB_OFFLINE" : "set HF_TOKEN");
            }
        }
        assertThat(server.requests).isEmpty();
    }

    @ParameterizedTest
    @CsvSource({"small,main,m,is no name to push to", "a/b/c,main,m,is no name to push to",
        "owner/small,../x,m,--revision is", "owner/small,0123456789012345678901234567890123456789,m,is a commit",
        "owner/small,main,' ',--message is empty"})
    void whatCannotBeIsRefused(String name, String branch, String message, String words) {
        assertThatThrownBy(() -> new HubUpload.Request(name, branch, false, message, files, state()))
                .isInstanceOf(UsageException.class).hasMessageContaining(words);
    }

    @Test
    void addressesMustBeSafe() {
        server.fault("/batch", exchange -> LocalHub.content(("{\"objects\": [{\"oid\": \"" + LocalHub.sha256(weights)
                + "\", \"actions\": {\"upload\": {\"href\": \"file:///tmp/x?signature=abc\"}}}]}")
                .getBytes(StandardCharsets.UTF_8)).handle(exchange));
        assertThatThrownBy(this::push).isInstanceOf(FailedException.class)
                .hasMessageContaining("to an address that is none, or is not encrypted")
                .hasMessageNotContaining("abc");
    }
}
