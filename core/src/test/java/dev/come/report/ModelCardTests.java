package dev.come.report;

import static org.assertj.core.api.Assertions.assertThat;

import dev.come.checkpoint.ConfigTree;
import dev.come.prune.Methods;
import dev.come.prune.PruningPlan;
import dev.come.stack.LayerStack;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ModelCardTests {
    @TempDir
    private Path folder;

    private String card(String model, String method) throws Exception {
        return card(model, method, "");
    }

    /** @param settings more of the plan */
    private String card(String model, String method, String settings) throws Exception {
        Path file = Files.writeString(folder.resolve("come.json"),
                """
                        {"format": "come-plan", "format_version": 2, "layers": 3, "tool": "come 1",
                         "model": {"name": "%s", "model_type": "llama", "stored_dtype": "bfloat16", "parameters": 30,
                                   "fingerprint": "%s"},
                         %s "method": "%s", "options": {}, "target_layers": 2, "compute": {"dtype": "float32", "device": "cpu"},
                         "steps": [{"layers": 2, "tree": "[0, 2]", "stack": [0, 2], "action": "remove", "position": 1, "count": 1,
                                    "ratio": [], "scores": {}}],
                         "evaluations": [], "nodes": {}}"""
                        .formatted(model, "0".repeat(64), settings, method));
        PruningPlan plan = PruningPlan.read(file);
        assertThat(plan.last())
                .isEqualTo(new LayerStack(List.of(LayerStack.dense(3).get(0), LayerStack.dense(3).get(2))));
        Path config = Files.writeString(folder.resolve("config.json"), "{\"model_type\": \"llama\"}");
        return new ModelCard(plan, 30, 20, "llama", ModelCard.Use.TEXT, Licence.of(folder, ConfigTree.read(config)),
                Map.of("wiki2", "Salesforce/wikitext", "c4", "allenai/c4")).toMarkdown();
    }

    @Test
    void theLicenceIsWhatTheDenseModelTells() throws Exception {
        assertThat(card("a/b", "sleb")).doesNotContain("license:")
                .contains("The dense model's folder tells no licence, so look for it");
        Path readme = folder.resolve("README.md");
        Files.writeString(readme, "---\ntags: [x]\nlicense: apache-2.0\n---\n# Dense\n");
        assertThat(card("a/b", "sleb")).contains("base_model: a/b\nlicense: \"apache-2.0\"\ntags:")
                .contains("Licence: `apache-2.0`, as the dense model tells it.");
        Files.writeString(readme,
                "---\nlicense: other\nlicense_name: llama3\nlicense_link: https://example.com/a:b\n---\n");
        assertThat(card("a/b", "sleb")).contains("""
                license: "other"
                license_name: "llama3"
                license_link: "https://example.com/a:b"
                """);
        Files.writeString(readme, "---\nlicense: [mit, gpl]\n---\n");
        assertThat(card("a/b", "sleb")).contains("license:\n- \"mit\"\n- \"gpl\"\n");
        for (String useless : List.of("---\nlicense: {a: b}\n---\n", "---\nlicense: mit", "# license: mit\n",
                "---\nlicense: [\n---\n")) {
            Files.writeString(readme, useless);
            assertThat(card("a/b", "sleb")).as(useless).doesNotContain("license:");
        }
    }

    @Test
    void dataSetsOfTheHubAreNamedAndFilesOfTheUserAreNot() throws Exception {
        assertThat(card("a/b", "sleb", """
                "calibration": {"dataset": "wiki2"}, "distillation": {"text": [{"dataset": "mine/wiki2.txt"},
                {"dataset": "c4"}, {"dataset": "wiki2"}]},"""))
                .contains("datasets:\n- Salesforce/wikitext\n- allenai/c4\ntags:");
        assertThat(card("a/b", "sleb", "\"calibration\": {\"dataset\": \"/home/me/mine.txt\"},"))
                .doesNotContain("datasets:", "/home")
                .contains("Measured on mine.txt (");
        assertThat(card("a/b", "sleb",
                "\"calibration\": {\"dataset\": \"wiki2 (70 tokens) + /home/me/a.txt (30 tokens)\"},"))
                .contains("datasets:\n- Salesforce/wikitext\ntags:",
                        "Measured on wiki2 (70 tokens) + a.txt (30 tokens) (");
    }

    @Test
    void theHubIsToldOfTheModelThatItWasMadeFrom() throws Exception {
        assertThat(card("HuggingFaceTB/SmolLM2-135M", "sleb")).startsWith("""
                ---
                library_name: transformers
                pipeline_tag: text-generation
                base_model: HuggingFaceTB/SmolLM2-135M
                tags:
                - pruned
                - layer-pruning
                - come
                - sleb
                ---

                # HuggingFaceTB/SmolLM2-135M, 2 of 3 layers
                """).contains("from_pretrained", "Its adapters (LoRA) would land on other layers",
                "url = {https://arxiv.org/abs/2402.09025}", "@misc{come2025,");
        assertThat(card("a/b", "concat_merge")).containsOnlyOnce("@misc{");
        assertThat(card("/models/mine", "reverse")).doesNotContain("base_model", "as the paper")
                .contains("a method of no paper").containsOnlyOnce("@misc{");
    }

    /** A new method must say where it comes from, or stand here. */
    @Test
    void everyMethodHasAPaperOrIsOfThisProject() {
        assertThat(Methods.ALL).filteredOn(entry -> Paper.of(entry.name()).isEmpty()).extracting(Methods.Entry::name)
                .containsExactly("reverse", "come_auto", "seam_auto", "manual");
    }
}
