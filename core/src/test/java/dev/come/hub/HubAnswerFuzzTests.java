package dev.come.hub;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import dev.come.ComeException;
import dev.come.RandomChanges;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Whatever a server answers where the hub would send a list, reading it ends in a list whose names stay in the cache, or in one
 * sentence.
 *
 * <p>A normal build reads the seeds in the resources and some seconds' worth of random changes to sound answers. {@code
 * JAZZER_FUZZ=1 mvn -pl core test -Dtest=HubAnswerFuzzTests} lets Jazzer search, guided by coverage.
 */
class HubAnswerFuzzTests {
    private static final URI PLACE = URI.create("http://127.0.0.1/api");
    private static final Repository REPOSITORY = new Repository(Repository.Kind.MODEL, "owner/model");
    private static final String LISTING = "{\"id\": \"owner/model\", \"sha\": \"" + LocalHub.COMMIT
            + "\", \"siblings\": [{\"rfilename\": \"config.json\"}, {\"rfilename\": \"a/b.jinja\"}]}";
    private static final String INDEX = """
            {"metadata": {"total_size": 7}, "weight_map": {"a": "model-00001-of-00002.safetensors",
             "b": "model-00002-of-00002.safetensors"}}""";
    private static final List<String> NAMES = List.of("..", "/", "../../x", "C:\\\\x", "sha", "siblings", "rfilename",
            "lfs", "oid", "size", "path", "type", "weight_map", ".safetensors");
    private static final List<String> PIECES = Stream.of(NAMES, RandomChanges.JSON)
            .flatMap(List::stream).toList();

    @TempDir
    private Path folder;

    @FuzzTest
    void readsAnyListingSafely(byte[] bytes) {
        listing(bytes);
    }

    @FuzzTest
    void readsAnyTreeSafely(byte[] bytes) {
        tree(bytes);
    }

    @FuzzTest
    void readsAnyIndexSafely(byte[] bytes) {
        index(bytes);
    }

    @Test
    void listingsSurviveRandomChanges() {
        RandomChanges.readJson("HubAnswerFuzzTests, listing", List.of(bytes(LISTING)), PIECES, this::listing);
    }

    @Test
    void treesSurviveRandomChanges() {
        String tree = "[" + LocalHub.entry("config.json", new byte[]{1}) + ", "
                + LocalHub.entry("model.safetensors", new byte[]{2}) + "]";
        RandomChanges.readJson("HubAnswerFuzzTests, tree", List.of(bytes(tree)), PIECES, this::tree);
    }

    @Test
    void indexesSurviveRandomChanges() {
        RandomChanges.readJson("HubAnswerFuzzTests, index", List.of(bytes(INDEX)), PIECES, this::index);
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private boolean listing(byte[] bytes) {
        try {
            Listing listing = Listing.read(bytes, PLACE);
            assertThat(Repository.isCommit(listing.commit())).isTrue();
            for (String file : listing.files()) {
                assertStaysOrIsRefused(file);
            }
            return true;
        } catch (ComeException e) {
            assertThat(e).hasMessageContaining(PLACE.toString());
            return false;
        }
    }

    private void assertStaysOrIsRefused(String file) {
        try {
            REPOSITORY.checkFile(file);
            Path place = folder.resolve(file).normalize();
            assertThat(place.startsWith(folder) && !place.equals(folder)).as(file).isTrue();
            assertThat(REPOSITORY.file(PLACE, LocalHub.COMMIT, file).getHost()).isEqualTo("127.0.0.1");
        } catch (ComeException e) {
            assertThat(e).message().containsAnyOf("could lead out of the cache", "this system cannot spell");
        }
    }

    private boolean tree(byte[] bytes) {
        try {
            Listing.tree(bytes, PLACE).values().forEach(told -> {
                assertThat(told.etag().stream()).allMatch(HubHttp::isEtag);
                told.size().ifPresent(size -> assertThat(size).isNotNegative());
            });
            return true;
        } catch (ComeException e) {
            assertThat(e).hasMessageContaining(PLACE.toString());
            return false;
        }
    }

    private boolean index(byte[] bytes) {
        try {
            Files.write(folder.resolve("model.safetensors.index.json"), bytes);
            List<String> shards = ModelFiles.shards(folder);
            assertThat(shards).isNotEmpty();
            shards.forEach(this::assertStaysOrIsRefused);
            return true;
        } catch (ComeException e) {
            assertThat(e).hasMessageContaining("model.safetensors.index.json");
            return false;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
