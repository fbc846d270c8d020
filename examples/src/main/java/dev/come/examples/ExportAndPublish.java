package dev.come.examples;

import dev.come.InvalidInputException;
import dev.come.api.Come;
import dev.come.api.Export.ExportedFile;
import dev.come.api.PrunedModel;
import dev.come.api.Push.PushedModel;
import java.nio.file.Path;

/** Prunes a model, writes it for llama.cpp where that knows its tokenizer, and tells what would go to the hub. */
final class ExportAndPublish {
    private ExportAndPublish() {
    }

    static void main(String[] arguments) {
        Path folder = Path.of(arguments[0]);
        Come.Demo demo = Come.demo(folder.resolve("demo"));
        PrunedModel pruned = Come.prune(demo.model()).method("magnitude").layers(8)
                .saveTo(folder.resolve("small")).run();

        try {
            ExportedFile file = Come.export(pruned.folder()).gguf(folder.resolve("small.gguf")).type("Q8_0").run();
            System.out.println(file.file() + ": " + file.bytes() + " bytes");
        } catch (InvalidInputException e) {
            System.out.println(e.getMessage());
        }

        PushedModel plan = Come.push(pruned.folder(), "me/small").plan();
        plan.files().forEach(file -> System.out.println(file.name() + ": " + file.bytes() + " bytes"));
    }
}
