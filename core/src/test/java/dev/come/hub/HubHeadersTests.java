package dev.come.hub;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.net.httpserver.HttpHandler;
import dev.come.FailedException;
import dev.come.InvalidInputException;
import dev.come.checkpoint.CheckpointException;
import dev.come.checkpoint.CheckpointHeaders;
import dev.come.checkpoint.FileParts;
import dev.come.checkpoint.TensorInfo;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Models of which only the headers of the weights are read, on the hub itself. */
class HubHeadersTests extends HubTrial {
    /** So much of every file of weights is asked for at once. */
    private static final int BEGINNING = 1 << 16;
    private static final String FIRST = "GET /model.safetensors [bytes=0-65535]";

    /** A safetensors file with so many tensors of so many bytes. */
    private static byte[] safetensors(int tensors, int tensorBytes) {
        byte[] header = IntStream.range(0, tensors)
                .mapToObj(i -> "\"tensor.%s\": {\"dtype\": \"U8\", \"shape\": [%s], \"data_offsets\": [%s, %s]}"
                        .formatted(i, tensorBytes, i * tensorBytes, (i + 1) * tensorBytes))
                .collect(Collectors.joining(", ", "{", "}")).getBytes(StandardCharsets.UTF_8);
        return ByteBuffer.allocate(8 + header.length + tensors * tensorBytes).order(ByteOrder.LITTLE_ENDIAN)
                .putLong(header.length).put(header).array();
    }

    private byte[] weightsOf(int tensors, int tensorBytes) {
        byte[] content = safetensors(tensors, tensorBytes);
        server.file(MODEL, WEIGHTS, content);
        return content;
    }

    private CheckpointHeaders headers() {
        return headers(server.settings(cache));
    }

    private CheckpointHeaders headers(HubSettings settings) {
        try (Hub hub = new Hub(settings, told, QUICK)) {
            RemoteModel model = hub.modelWithoutWeights(MODEL, "main");
            return CheckpointHeaders.read(model.folder(), model.weights());
        }
    }

    private static List<Long> sizes(CheckpointHeaders headers) {
        return headers.tensors().stream().map(TensorInfo::byteLength).toList();
    }

    @Test
    void ofTheWeightsOnlyTheBeginningIsSent() throws IOException {
        weightsOf(3, 1_000_000);
        CheckpointHeaders headers = headers();
        assertThat(sizes(headers)).containsExactly(1_000_000L, 1_000_000L, 1_000_000L);
        assertThat(headers.folder()).isEqualTo(repository().resolve("snapshots").resolve(LocalHub.COMMIT));
        assertThat(names(headers.folder())).containsExactly("config.json", "tokenizer.json");
        assertThat(server.requests.stream().filter(request -> request.contains(WEIGHTS))).containsExactly(
                "HEAD /owner/model/resolve/" + LocalHub.COMMIT + "/" + WEIGHTS,
                "GET /owner/model/resolve/" + LocalHub.COMMIT + "/" + WEIGHTS + " [bytes=0-65535]");
        assertThat(server.storeRequests).containsExactly(FIRST);
        server.assertStoreBytes(BEGINNING);
    }

    @Test
    void ofALongHeaderTheRestIsAskedForToo() {
        byte[] content = weightsOf(2000, 1000);
        int end = content.length - 2000 * 1000;
        assertThat(end).isGreaterThan(BEGINNING + 1000);
        CheckpointHeaders headers = headers();
        assertThat(headers.tensors()).hasSize(2000);
        assertThat(headers.info("tensor.1999").offset()).isEqualTo(content.length - 1000);
        assertThat(server.storeRequests).containsExactly(FIRST,
                "GET /model.safetensors [bytes=65536-" + (end - 1) + "]");
        server.assertStoreBytes(end);
    }

    @Test
    void partsAreThoseOfTheFileWhereverTheyLie() throws IOException {
        Path file = Files.write(cache.resolve("same"), weights);
        Random random = new Random();
        long seed = random.nextLong();
        random.setSeed(seed);
        try (Hub hub = new Hub(server.settings(cache), told, QUICK)) {
            FileParts parts = Objects.requireNonNull(hub.modelWithoutWeights(MODEL, "main").weights().get(WEIGHTS));
            assertThat(parts.size()).isEqualTo(weights.length);
            for (long position : new long[]{0, 8, BEGINNING - 1, BEGINNING, BEGINNING + 1,
                random.nextInt(weights.length)}) {
                for (int length : new int[]{0, 1, 8, random.nextInt(100_000), weights.length}) {
                    int within = (int) Math.min(length, weights.length - position);
                    assertThat(parts.read(position, within)).as("seed %s: %s bytes from %s", seed, within, position)
                            .isEqualTo(FileParts.of(file).read(position, within));
                }
            }
        }
    }

    @Test
    void aFileThatIsShorterThanTheBeginningIsAskedForAsItIs() {
        byte[] content = weightsOf(1, 3);
        assertThat(sizes(headers())).containsExactly(3L);
        assertThat(server.storeRequests)
                .containsExactly("GET /model.safetensors [bytes=0-" + (content.length - 1) + "]");
    }

    @Test
    void ofShardsEveryHeaderIsReadAndNoOtherFile() throws IOException {
        String sharded = "owner/sharded";
        byte[] one = new String(safetensors(1, 200_000), StandardCharsets.ISO_8859_1).replace("tensor.0", "tensor.a")
                .getBytes(StandardCharsets.ISO_8859_1);
        server.file(sharded, "config.json", config).file(sharded, "model.safetensors.index.json", """
                {"weight_map": {"tensor.a": "model-00001-of-00002.safetensors",
                 "tensor.0": "model-00002-of-00002.safetensors"}}""")
                .file(sharded, "model-00001-of-00002.safetensors", one)
                .file(sharded, "model-00002-of-00002.safetensors", safetensors(1, 300_000))
                .file(sharded, "consolidated.safetensors", bytes(3000, 5));
        try (Hub hub = new Hub(server.settings(cache), told, QUICK)) {
            RemoteModel model = hub.modelWithoutWeights(sharded, "main");
            CheckpointHeaders headers = CheckpointHeaders.read(model.folder(), model.weights());
            assertThat(sizes(headers)).containsExactly(200_000L, 300_000L);
            assertThat(headers.strayFiles()).isEmpty();
            assertThat(names(model.folder())).containsExactly("config.json", "model.safetensors.index.json");
        }
        assertThat(server.storeRequests).containsExactlyInAnyOrder(
                "GET /model-00001-of-00002.safetensors [bytes=0-65535]",
                "GET /model-00002-of-00002.safetensors [bytes=0-65535]");
        server.assertStoreBytes(2 * BEGINNING);
    }

    @Test
    void aShardThatTheIndexNamesAndThatIsNotThereIsToldOf() {
        server.file("owner/half", "config.json", config).file("owner/half", "model.safetensors.index.json",
                "{\"weight_map\": {\"a\": \"model-00001-of-00001.safetensors\"}}");
        try (Hub hub = new Hub(server.settings(cache), told, QUICK)) {
            assertThatThrownBy(() -> hub.modelWithoutWeights("owner/half", "main"))
                    .isInstanceOf(InvalidInputException.class)
                    .hasMessageContaining("owner/half has no file model-00001-of-00001.safetensors at revision main");
        }
    }

    @Test
    void aServerThatKnowsNoRangesIsNotListenedToToTheEnd() {
        byte[] content = weightsOf(2000, 50_000);
        for (int i = 0; i < 2; i++) {
            server.fault("store:/" + WEIGHTS, everything(content));
        }
        assertThat(headers().tensors()).hasSize(2000);
        assertThat(server.storeRequests).hasSize(2);
        // What the system's buffers take is sent before the server notices.
        assertThat(server.storeBytes.get()).isLessThan(content.length / 2L);
    }

    private HttpHandler everything(byte[] content) {
        return exchange -> {
            exchange.sendResponseHeaders(200, content.length);
            server.write(exchange, content, 0, content.length);
        };
    }

    @Test
    void aConnectionThatBreaksIsTriedAgain() {
        byte[] content = weightsOf(3, 100_000);
        server.fault("store:/" + WEIGHTS, LocalHub.breakingOff(content, 20));
        server.fault("store:/" + WEIGHTS, LocalHub.status(503));
        server.fault("store:/" + WEIGHTS, LocalHub.status(403));
        assertThat(headers().tensors()).hasSize(3);
        assertThat(told.notes).hasSize(3).last().asString().contains("localhost refuses the file (403)");
    }

    @ParameterizedTest
    @ValueSource(strings = {"bytes 1-65536/*", "bytes 0-65535/7", "bytes */100", "nonsense"})
    void aPartOtherThanTheOneAskedForIsNotTaken(String range) {
        weightsOf(3, 100_000);
        server.fault("store:/" + WEIGHTS, exchange -> {
            exchange.getResponseHeaders().set("Content-Range", range);
            exchange.sendResponseHeaders(206, BEGINNING);
            exchange.getResponseBody().write(new byte[BEGINNING]);
        });
        assertThat(headers().tensors()).hasSize(3);
        assertThat(told.notes).singleElement().asString()
                .contains("another part of owner/model/model.safetensors than was asked for");
    }

    @Test
    void whatNoAttemptBringsIsToldOfInOneSentence() {
        weightsOf(3, 100_000);
        for (int i = 0; i < 4; i++) {
            server.fault("store:/" + WEIGHTS, LocalHub.status(416));
        }
        assertThatThrownBy(this::headers).isInstanceOf(FailedException.class)
                .hasMessageStartingWith("127.0.0.1 cannot be reached (").message().doesNotContain("\n");
    }

    @Test
    void gatedWeightsAreToldOf() {
        server.fault("/" + WEIGHTS, LocalHub.status(401, "X-Error-Code", "GatedRepo"));
        assertThatThrownBy(this::headers).isInstanceOf(InvalidInputException.class).hasMessageContaining("is gated");
    }

    @Test
    void aHeaderIsCheckedAgainstTheSizeThatTheHubTells() {
        byte[] content = safetensors(3, 100_000);
        server.file(MODEL, WEIGHTS, Arrays.copyOf(content, content.length - 1));
        assertThatThrownBy(this::headers).isInstanceOf(CheckpointException.class)
                .hasMessageContaining("'tensor.2' ends at byte " + content.length + ", but the file has only "
                        + (content.length - 1) + "; the file is truncated");
        server.file(MODEL, WEIGHTS, Arrays.copyOf(content, content.length + 2));
        assertThatThrownBy(this::headers).isInstanceOf(CheckpointException.class)
                .hasMessageContaining("2 bytes after tensor 'tensor.2' belong to no tensor");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            ''              | but the file has only 0
            abc             | but the file has only 3
            version https:  | this is a Git LFS pointer
            abcdefghijklmno | the header's length is given as
            """)
    void whatIsNoSafetensorsFileIsRefusedAsInAFolder(String content, String message) {
        server.file(MODEL, WEIGHTS, content);
        assertThatThrownBy(this::headers).isInstanceOf(CheckpointException.class)
                .hasMessageContaining(WEIGHTS).hasMessageContaining(message);
    }

    @Test
    void theModelIsNotTakenForWholeBeforeItsWeightsAreThere() throws IOException {
        byte[] content = weightsOf(3, 100_000);
        headers();
        assertThat(repository().resolve("refs")).doesNotExist();
        assertThat(names(repository().resolve("blobs"))).hasSize(2).noneMatch(name -> name.endsWith("incomplete"));
        assertThatThrownBy(() -> fetch(offline())).isInstanceOf(InvalidInputException.class)
                .hasMessageContaining("has no model owner/model of revision main, and HF_HUB_OFFLINE forbids");
        assertThatThrownBy(() -> headers(offline())).isInstanceOf(InvalidInputException.class)
                .hasMessageContaining("has no model owner/model of revision main, and HF_HUB_OFFLINE forbids");

        server.requests.clear();
        server.storeRequests.clear();
        assertThat(fetch().resolve(WEIGHTS)).hasBinaryContent(content);
        assertThat(repository().resolve("refs/main")).hasContent(LocalHub.COMMIT);
        assertThat(server.requests).hasSize(3).allMatch(request -> request.equals(LISTING)
                || request.endsWith("/" + WEIGHTS));
        assertThat(server.storeRequests).containsExactly("GET /model.safetensors");
        assertThat(fetch(offline()).resolve(WEIGHTS)).hasBinaryContent(content);
    }

    @Test
    void theModelThatIsThereStaysWhatItsBranchStandsForOffline() {
        Path whole = fetch();
        String commit = "f".repeat(40);
        server.fault("/revision/main", LocalHub.content(("{\"sha\": \"" + commit + "\", \"siblings\": [{\"rfilename\": "
                + "\"config.json\"}, {\"rfilename\": \"model.safetensors\"}]}").getBytes(StandardCharsets.UTF_8)));
        server.fault(commit + "/config.json", LocalHub.status(200, "ETag", '"' + LocalHub.gitHash(config) + '"',
                "Content-Length", "" + config.length));
        byte[] content = safetensors(3, 100_000);
        server.fault(commit + "/" + WEIGHTS, LocalHub.status(302, "X-Linked-Etag", '"' + LocalHub.sha256(content) + '"',
                "X-Linked-Size", "" + content.length, "Location", "http://localhost:1/"));
        server.fault(commit + "/" + WEIGHTS, LocalHub.content(content));
        assertThat(headers().folder().getFileName()).hasToString(commit);
        assertThat(fetch(offline())).isEqualTo(whole);
    }

    @Test
    void whatTheCacheHasIsReadThere() {
        weightsOf(3, 100_000);
        fetch();
        server.requests.clear();
        server.storeRequests.clear();
        assertThat(headers().tensors()).hasSize(3);
        assertThat(server.requests).containsExactly(LISTING);
        server.requests.clear();
        assertThat(headers(offline()).tensors()).hasSize(3);
        assertThat(server.requests).isEmpty();
        server.fault("/revision/main", LocalHub.status(503));
        assertThat(headers().tensors()).hasSize(3);
        assertThat(told.notes).last().asString().contains("what the cache has is taken");
        assertThat(server.storeRequests).isEmpty();
    }

    @Test
    void weightsOfAnotherSnapshotAreReadInTheCacheToo() throws IOException {
        weightsOf(3, 100_000);
        Files.delete(fetch().resolve(WEIGHTS));
        server.storeRequests.clear();
        assertThat(headers().tensors()).hasSize(3);
        assertThat(server.storeRequests).isEmpty();
    }

    @Test
    void offlineAModelWithoutWeightsIsToldOf() throws IOException {
        weightsOf(3, 100_000);
        Files.delete(fetch().resolve(WEIGHTS)); // as after AutoConfig.from_pretrained alone
        assertThatThrownBy(() -> headers(offline())).isInstanceOf(InvalidInputException.class)
                .hasMessageContaining(
                        "has owner/model without model.safetensors, and HF_HUB_OFFLINE forbids to fetch it");
        server.close();
        assertThatThrownBy(this::headers).isInstanceOf(FailedException.class)
                .hasMessageContaining("127.0.0.1 cannot be reached (no connection)");
    }
}
