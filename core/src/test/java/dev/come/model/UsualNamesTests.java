package dev.come.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.come.Golden;
import dev.come.InvalidInputException;
import dev.come.TestDevice;
import dev.come.checkpoint.Checkpoint;
import dev.come.checkpoint.CheckpointWriter;
import dev.come.checkpoint.TensorSpec;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;
import org.bytedeco.pytorch.Tensor;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.FieldSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Golden models whose files call the tensors by other names. */
class UsualNamesTests {
    static final List<String> MODELS = Golden.MODELS;
    private static final String HEAD = "lm_head.weight";

    @TempDir
    private Path folder;

    /** A copy of a golden model with other names for its tensors. */
    private Path named(String golden, UnaryOperator<String> names) {
        Path target = folder.resolve("named");
        try (Checkpoint checkpoint = Checkpoint.open(Golden.model(golden))) {
            Map<String, String> old = new HashMap<>();
            checkpoint.tensors().forEach(info -> old.put(names.apply(info.name()), info.name()));
            List<TensorSpec> specs = checkpoint.tensors().stream()
                    .map(info -> TensorSpec.like(info, names.apply(info.name()))).toList();
            new CheckpointWriter(target, checkpoint.config()).write(specs,
                    spec -> checkpoint.tensor(old.getOrDefault(spec.name(), "")));
        }
        return target;
    }

    private static void assertIsThat(Path named, String golden) {
        int[] tokens = {3, 1, 4, 1, 5, 9, 2, 6};
        try (Checkpoint expected = Checkpoint.open(Golden.model(golden)); Checkpoint found = UsualNames.open(named)) {
            ModelConfig config = ModelConfig.of(found);
            assertThat(config).isEqualTo(ModelConfig.of(expected));
            expected.headers().names().forEach(name -> {
                try (Tensor one = found.tensor(name); Tensor other = expected.tensor(name)) {
                    assertThat(one.equal(other)).as(name).isTrue();
                }
            });
            assertThat(found.headers().names()).containsExactlyInAnyOrderElementsOf(expected.headers().names());
            try (CausalLanguageModel one = new CausalLanguageModel(found, config, TestDevice.float32(1));
                    CausalLanguageModel other = new CausalLanguageModel(expected, config, TestDevice.float32(1))) {
                assertThat(one.logits(tokens)).isDeepEqualTo(other.logits(tokens));
            }
        }
    }

    @ParameterizedTest
    @FieldSource("MODELS")
    void theNamesOfTheModelWithoutItsOutputProjectionAreUnderstood(String golden) {
        Path named = named(golden, name -> name.replaceFirst("^model\\.", ""));
        assertIsThat(named, golden);
        try (Checkpoint found = UsualNames.open(named)) {
            assertThat(UsualNames.remark(found.headers()).orElseThrow()).contains(" is read as model.", " more in the");
        }
    }

    /** facebook/opt-125m and opt-1.3b are stored so. */
    @ParameterizedTest
    @ValueSource(strings = {"opt", "opt-350m-like", "llama-gqa"})
    void aTiedModelMayHaveItsOutputProjectionInThePlaceOfTheEmbedding(String golden) {
        Path named = named(golden, name -> name.endsWith("embed_tokens.weight") ? HEAD : name);
        assertIsThat(named, golden);
        try (Checkpoint found = UsualNames.open(named)) {
            assertThat(UsualNames.remark(found.headers())).hasValueSatisfying(remark -> assertThat(remark)
                    .startsWith("tensor lm_head.weight is read as model.").doesNotContain("more"));
        }
    }

    @Test
    void bothMayBeSoInOneFile() {
        assertIsThat(named("opt", name -> name.endsWith("embed_tokens.weight")
                ? HEAD
                : name.replaceFirst("^model\\.", "")), "opt");
    }

    @Test
    void ofUsualNamesNothingIsSaid() {
        try (Checkpoint found = UsualNames.open(Golden.model("llama-gqa"))) {
            assertThat(UsualNames.remark(found.headers())).isEmpty();
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"_orig_mod.", "module.", "module._orig_mod.", "base_model.model."})
    void aPrefixThatNoModelHasIsNamed(String prefix) {
        assertRefused(named("llama-gqa", name -> prefix + name), "begin with '" + prefix + "'");
    }

    @Test
    void soIsOneBeforeTheNamesOfTheModelWithoutItsOutputProjection() {
        assertRefused(named("opt", name -> name.replaceFirst("^model", "_orig_mod")), "begin with '_orig_mod.'");
    }

    @Test
    void anEmbeddingThatIsNotTiedIsMissed() {
        assertRefused(named("llama-mha", name -> name.equals("model.embed_tokens.weight") ? "other.weight" : name),
                "tensor 'model.embed_tokens.weight'");
    }

    private static void assertRefused(Path named, String message) {
        try (Checkpoint found = UsualNames.open(named)) {
            assertThatThrownBy(() -> ModelConfig.of(found)).isInstanceOf(InvalidInputException.class)
                    .hasMessageContaining(named.toString()).hasMessageContaining(message);
        }
    }
}
