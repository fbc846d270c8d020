package dev.come.hub;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assumptions.assumeThat;

import dev.come.FailedException;
import dev.come.InvalidInputException;
import dev.come.Progress;
import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;

/** The cache on the disk: how it is laid out, what is taken from it without asking, and who may write to it at the same time. */
class HubCacheTests extends HubTrial {
    @Test
    void aModelLiesInTheCacheAsPythonLaysItOut() throws IOException {
        Path folder = fetch();

        assertThat(folder).isEqualTo(repository().resolve("snapshots").resolve(LocalHub.COMMIT));
        assertThat(names(folder)).containsExactly("config.json", WEIGHTS, "tokenizer.json");
        assertThat(repository().resolve("refs/main")).hasContent(LocalHub.COMMIT);
        assertThat(names(repository().resolve("refs"))).containsExactly("main");
        assertThat(Files.getPosixFilePermissions(repository().resolve("refs/main")))
                .as("whoever shares the cache can read it")
                .isEqualTo(Files.getPosixFilePermissions(Files.createFile(cache.resolve("ordinary"))));
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

    @Test
    void theReferenceIsWrittenWhenTheLastShardIsThere() throws IOException {
        String sharded = "owner/sharded";
        String shard = "model-00001-of-00001.safetensors";
        server.file(sharded, "config.json", config).file(sharded, "model.safetensors.index.json",
                "{\"weight_map\": {\"a\": \"" + shard + "\"}}").file(sharded, shard, weights);
        server.fault(shard, LocalHub.status(404));
        Path reference = cache.resolve("models--owner--sharded/refs/main");
        try (Hub hub = new Hub(server.settings(cache), told, QUICK)) {
            assertThatThrownBy(() -> hub.model(sharded, "main")).isInstanceOf(InvalidInputException.class);
            assertThat(reference).doesNotExist();
            assertThat(hub.model(sharded, "main").resolve(shard)).hasBinaryContent(weights);
            assertThat(reference).hasContent(LocalHub.COMMIT);
        }
    }

    @Test
    void aReferenceInTheCacheThatIsNoCommitIsNotFollowed() throws IOException {
        Files.createDirectories(repository().resolve("refs"));
        Files.writeString(repository().resolve("refs/main"), "../../../elsewhere");
        assertThatThrownBy(() -> fetch(offline())).hasMessageContaining("HF_HUB_OFFLINE forbids");
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
}
