package dev.come.examples;

import dev.come.api.Come;
import dev.come.api.HealedModel;
import dev.come.api.PrunedModel;
import java.nio.file.Path;

/** Makes a model smaller, and refits what is left. */
final class PruneAndHeal {
    private PruneAndHeal() {
    }

    static void main(String[] arguments) {
        Path folder = Path.of(arguments[0]);
        Come.Demo demo = Come.demo(folder.resolve("demo"));

        PrunedModel small = Come.prune(demo.model()).method("sleb").layers(8).calibrateOn(demo.calibrationText())
                .samples(32).perplexityOn(demo.testText()).perplexityWindows(16).saveTo(folder.resolve("small"))
                .onStep(step -> System.out.println(step.action() + " " + step.position() + ", left: " + step.tree()))
                .run();
        System.out.println(small.parameters() + " of " + small.parametersBefore() + " parameters in " + small.folder());
        small.perplexity()
                .forEach((text, value) -> System.out.println(text + ": " + value.before() + ", then " + value.after()));

        HealedModel healed = Come.heal(small.folder(), demo.model()).calibrateOn(demo.calibrationText())
                .samples(32).perplexityOn(demo.testText()).perplexityWindows(16).saveTo(folder.resolve("healed")).run();
        healed.perplexity().forEach((text, value) -> System.out.println(text + ", healed: " + value.healed()));
    }
}
