package dev.come.examples;

import dev.come.api.Come;
import dev.come.api.ComparedModels;
import dev.come.api.PrunedModel;
import java.nio.file.Path;

/** Tries several methods, and shows which leaves the least loss. */
final class CompareMethods {
    private CompareMethods() {
    }

    static void main(String[] arguments) {
        Path folder = Path.of(arguments[0]);
        Come.Demo demo = Come.demo(folder.resolve("demo"));

        ComparedModels compared = Come.prune(demo.model()).method("shortgpt, reverse, concat_merge").layers(8)
                .calibrateOn(demo.calibrationText()).samples(32).saveTo(folder.resolve("compared")).compare();
        for (PrunedModel model : compared.models()) {
            double loss = model.calibrationLoss().orElseThrow();
            System.out.println(model.method() + ": " + model.tree() + ", loss " + loss);
        }
        compared.failures().forEach((method, reason) -> System.out.println(method + ": " + reason.getMessage()));
    }
}
