package dev.come.model;

import static org.assertj.core.api.Assertions.assertThat;

import dev.come.FamilyDescriptions;
import dev.come.Golden;
import dev.come.InvalidInputException;
import dev.come.RandomChanges;
import dev.come.TestDevice;
import dev.come.checkpoint.Checkpoint;
import dev.come.checkpoint.ConfigTree;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.json.JsonMapper;

/** Whatever stands in the config.json or come-family.json of a model, opening it ends in a model that runs, or in one sentence. */
class ConfigFuzzTests {
    private static final JsonMapper JSON = new JsonMapper();
    private static final int[] TOKENS = {3, 1, 4, 1, 5, 9, 2, 6};

    @TempDir
    private Path folder;

    /** A model of each type; several models may have one type. */
    private final Map<String, Path> models = new HashMap<>();
    private final List<byte[]> configs = new ArrayList<>();

    @BeforeEach
    void find() throws IOException {
        List<Path> folders = new ArrayList<>(Golden.MODELS.stream().map(Golden::model).toList());
        try (DirectoryStream<Path> families = Files.newDirectoryStream(Golden.familyModel("gemma").getParent(),
                Files::isDirectory)) {
            families.forEach(folders::add);
        }
        for (Path model : folders) {
            byte[] config = Files.readAllBytes(model.resolve("config.json"));
            if (Files.exists(model.resolve("model.safetensors")) && models.putIfAbsent(type(config), model) == null) {
                configs.add(config);
            }
        }
        assertThat(configs).hasSizeGreaterThan(40);
    }

    private static String type(byte[] config) {
        try {
            return JSON.readTree(config).path("model_type").asString("");
        } catch (JacksonException e) {
            return "";
        }
    }

    @Test
    void survivesRandomChangesOfConfigs() {
        RandomChanges.readJson("ConfigFuzzTests, config.json", configs, RandomChanges.JSON,
                config -> runs(models.getOrDefault(type(config), Golden.model("llama-gqa")), config, null));
    }

    @Test
    void survivesRandomChangesOfDescriptions() {
        FamilyDescriptions.ALL.forEach((fixture, description) -> {
            Path model = Golden.familyModel(fixture);
            byte[] config = ConfigTree.read(model.resolve("config.json"))
                    .edited(root -> root.put("model_type", "mine")).toJson().getBytes(StandardCharsets.UTF_8);
            RandomChanges.readJson("ConfigFuzzTests, come-family.json like " + fixture,
                    List.of(description.getBytes(StandardCharsets.UTF_8)), RandomChanges.JSON,
                    changed -> runs(model, config, changed));
        });
    }

    /** Whether the files were taken for a model, which then computes something. */
    private boolean runs(Path model, byte[] config, byte @Nullable [] description) {
        try {
            Path opened = copied(model, config, description);
            try (Checkpoint checkpoint = UsualNames.open(opened);
                    CausalLanguageModel language = new CausalLanguageModel(checkpoint, ModelConfig.of(checkpoint),
                            TestDevice.float32(1))) {
                assertThat(language.logits(TOKENS)).hasNumberOfRows(TOKENS.length);
                return true;
            }
        } catch (InvalidInputException e) {
            assertThat(e).hasMessageContaining(folder.toString()).hasMessageNotContaining("\n");
            return false;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private Path copied(Path model, byte[] config, byte @Nullable [] description) throws IOException {
        Path copy = Files.createDirectories(folder.resolve(model.getFileName()));
        Path tensors = copy.resolve("model.safetensors");
        if (!Files.exists(tensors)) {
            Files.copy(model.resolve("model.safetensors"), tensors);
        }
        Files.write(copy.resolve("config.json"), config);
        if (description != null) {
            Files.write(copy.resolve(FamilyFile.NAME), description);
        }
        return copy;
    }
}
