package dev.come.report;

import static org.assertj.core.api.Assertions.assertThat;

import dev.come.prune.Methods;
import dev.come.prune.PruningPlan;
import dev.come.stack.LayerStack;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ModelCardTests {
    @TempDir
    private Path folder;

    private String card(String model, String method) throws Exception {
        Path file = Files.writeString(folder.resolve("come.json"),
                """
                        {"format": "come-plan", "format_version": 2, "layers": 3, "tool": "come 1",
                         "model": {"name": "%s", "model_type": "llama", "stored_dtype": "bfloat16", "parameters": 30,
                                   "fingerprint": "%s"},
                         "method": "%s", "options": {}, "target_layers": 2, "compute": {"dtype": "float32", "device": "cpu"},
                         "steps": [{"layers": 2, "tree": "[0, 2]", "stack": [0, 2], "action": "remove", "position": 1, "count": 1,
                                    "ratio": [], "scores": {}}],
                         "evaluations": [], "nodes": {}}"""
                        .formatted(model, "0".repeat(64), method));
        PruningPlan plan = PruningPlan.read(file);
        assertThat(plan.last())
                .isEqualTo(new LayerStack(List.of(LayerStack.dense(3).get(0), LayerStack.dense(3).get(2))));
        return new ModelCard(plan, 30, 20, "llama").toMarkdown();
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
                "url = {https://arxiv.org/abs/2402.09025}");
        assertThat(card("/models/mine", "reverse")).doesNotContain("base_model", "Citation", "as the paper")
                .contains("a method of no paper");
    }

    /** A new method must say where it comes from, or stand here. */
    @Test
    void everyMethodHasAPaperOrIsOfThisProject() {
        assertThat(Methods.ALL).filteredOn(entry -> Paper.of(entry.name()).isEmpty()).extracting(Methods.Entry::name)
                .containsExactly("reverse", "come_auto", "manual");
    }
}
