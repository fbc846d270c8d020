package dev.come.hub;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.come.checkpoint.CheckpointException;
import dev.come.checkpoint.CheckpointHeaders;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** When the cache says what a branch stands for, and what is done about files in it that were cut short. */
class HubReferenceTests extends HubTrial {
    private Path fetch(HubSettings settings, String revision) {
        try (Hub hub = new Hub(settings, told, QUICK)) {
            return hub.model(MODEL, revision);
        }
    }

    private RemoteModel look(HubSettings settings) {
        try (Hub hub = new Hub(settings, told, QUICK)) {
            return hub.modelWithoutWeights(MODEL, "main");
        }
    }

    private Path reference() {
        return repository().resolve("refs/main");
    }

    @Test
    void theBranchIsKnownAfterADownloadByCommit() {
        Path byCommit = fetch(server.settings(cache), LocalHub.COMMIT);
        assertThat(repository().resolve("refs")).doesNotExist();
        assertThat(fetch()).isEqualTo(byCommit);
        assertThat(reference()).hasContent(LocalHub.COMMIT);
        server.requests.clear();
        assertThat(fetch(offline())).isEqualTo(byCommit);
        assertThat(server.requests).isEmpty();
    }

    @Test
    void theBranchIsKnownWhenItIsLookedAtAndAllIsThere() {
        fetch(server.settings(cache), LocalHub.COMMIT);
        assertThat(look(server.settings(cache)).isWhole()).isTrue();
        assertThat(reference()).hasContent(LocalHub.COMMIT);
    }

    @Test
    void theBranchIsWhatTheHubSaysNow() throws IOException {
        fetch();
        Files.writeString(reference(), "f".repeat(40));
        fetch();
        assertThat(reference()).hasContent(LocalHub.COMMIT);
    }

    @Test
    void shardsThatWereThereBeforeDoNotKeepTheBranchFromBeingKnown() throws IOException {
        String shard = "model-00001-of-00001.safetensors";
        server.file("owner/sharded", "config.json", config).file("owner/sharded", "model.safetensors.index.json",
                "{\"weight_map\": {\"a\": \"" + shard + "\"}}").file("owner/sharded", shard, weights);
        try (Hub hub = new Hub(server.settings(cache), told, QUICK)) {
            Path folder = hub.model("owner/sharded", LocalHub.COMMIT);
            Files.delete(folder.resolve("config.json"));
            assertThat(hub.model("owner/sharded", "main")).isEqualTo(folder);
        }
        assertThat(cache.resolve("models--owner--sharded/refs/main")).hasContent(LocalHub.COMMIT);
    }

    /** As a cache whose files belong to somebody else: even the system's administrator cannot make a folder of a file. */
    @Test
    void aCacheThatCannotBeWrittenDoesWhenAllIsThere() throws IOException {
        Path folder = fetch(server.settings(cache), LocalHub.COMMIT);
        Files.writeString(repository().resolve("refs"), "");
        assertThat(fetch()).isEqualTo(folder);
        assertThat(look(server.settings(cache)).isWhole()).isTrue();
        assertThat(told.notes).isEmpty();
    }

    @Test
    void theReferenceMayBeReadByWhoMayReadWhatItStandsFor() throws IOException {
        Path folder = fetch();
        assertThat(Files.getPosixFilePermissions(reference()))
                .isEqualTo(Files.getPosixFilePermissions(folder.resolve("config.json")));
    }

    private static void cutShort(Path file, int length) throws IOException {
        Files.write(file.toRealPath(), Arrays.copyOf(Files.readAllBytes(file), length));
    }

    @ParameterizedTest
    @CsvSource({"model.safetensors, 200000", "model.safetensors, 7", "model.safetensors, 0", "config.json, 10",
        "tokenizer.json, 0", "merges.txt, 1"})
    void aFileThatWasCutShortIsFetchedAgainByTheSameCommand(String name, int length) throws IOException {
        server.file(MODEL, "merges.txt", "a b\n");
        Path file = fetch().resolve(name);
        byte[] whole = Files.readAllBytes(file);
        cutShort(file, length);
        server.requests.clear();
        fetch();
        assertThat(file).hasBinaryContent(whole);
        assertThat(told.notes).singleElement().asString()
                .isEqualTo("The cache of the hub has owner/model/" + name + " with "
                        + length + " bytes instead of " + whole.length + "; it is fetched again.");
        assertThat(server.requests).as("nothing but that file").allMatch(
                request -> request.equals(LISTING) || request.endsWith("/" + name));
    }

    @Test
    void aFileWithoutALinkThatWasCutShortIsFetchedAgain() throws IOException {
        Path file = fetch().resolve(WEIGHTS); // as where the file system has no links
        Files.delete(file);
        Files.move(blob(weights), file);
        cutShort(file, 200_000);
        assertThat(fetch().resolve(WEIGHTS)).hasBinaryContent(weights);
    }

    @Test
    void ofWeightsThatWereCutShortTheHeaderIsReadOnTheHub() throws IOException {
        cutShort(fetch().resolve(WEIGHTS), 200_000);
        RemoteModel model = look(server.settings(cache));
        assertThat(model.isWhole()).isFalse();
        assertThat(CheckpointHeaders.read(model.folder(), model.weights()).tensors()).hasSize(1);
    }

    @Test
    void aTableThatWasCutShortIsFetchedAgain() throws IOException {
        byte[] table = bytes(1000, 5);
        System.arraycopy("PAR1".getBytes(StandardCharsets.US_ASCII), 0, table, table.length - 4, 4);
        server.file("datasets/owner/texts", "a.parquet", table);
        try (Hub hub = new Hub(server.settings(cache), told, QUICK)) {
            Path file = hub.dataset("owner/texts").fetch(List.of("a.parquet")).resolve("a.parquet");
            cutShort(file, 900);
            hub.dataset("owner/texts").fetch(List.of("a.parquet"));
            assertThat(file).hasBinaryContent(table);
        }
    }

    @Test
    void whatIsOddButAsLongAsOnTheHubStaysAndNothingIsWritten() throws IOException {
        byte[] odd = bytes(1000, 6);
        server.file(MODEL, WEIGHTS, odd);
        fetch();
        server.requests.clear();
        server.storeRequests.clear();
        Files.delete(cache.resolve(".locks/models--owner--model/" + LocalHub.sha256(odd) + ".lock"));
        assertThat(fetch().resolve(WEIGHTS)).hasBinaryContent(odd);
        assertThat(server.requests).containsExactly(LISTING,
                "HEAD /owner/model/resolve/" + LocalHub.COMMIT + "/" + WEIGHTS);
        assertThat(cache.resolve(".locks/models--owner--model/" + LocalHub.sha256(odd) + ".lock")).doesNotExist();
    }

    @Test
    void offlineWhoeverReadsTheFileSaysThatItWasCutShort() throws IOException {
        Path folder = fetch();
        cutShort(folder.resolve(WEIGHTS), 200_000);
        assertThat(fetch(offline())).isEqualTo(folder);
        assertThatThrownBy(() -> CheckpointHeaders.read(folder)).isInstanceOf(CheckpointException.class)
                .hasMessageContaining("the file is truncated, fetch it again");
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "snapshots"})
    void whoGivesAFolderOfTheCacheIsToldWhereTheModelLies(String below) throws IOException {
        Path snapshot = fetch();
        Path given = repository().resolve(below);
        assertThatThrownBy(() -> CheckpointHeaders.read(given)).isInstanceOf(CheckpointException.class)
                .hasMessage(
                        given + " is a folder of the Hugging Face hub's cache, in which models lie below snapshots/;"
                                + " give " + snapshot + ", or the model's name");
        Files.delete(snapshot.resolve("config.json"));
        assertThat(Files.exists(snapshot.resolve("config.json"), LinkOption.NOFOLLOW_LINKS)).isFalse();
        assertThatThrownBy(() -> CheckpointHeaders.read(given)).hasMessageContaining(
                "give one of its folders when it holds a config.json, or the model's name");
    }
}
