package dev.come.checkpoint;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;

/** A folder that holds changes to the weights of another model, such as LoRA, and is taken for a model now and then. */
public final class Adapter {
    /** The file that makes a folder one. */
    public static final String CONFIG = "adapter_config.json";

    private Adapter() {
    }

    /** @param weights the safetensors files of the folder */
    static boolean isOne(Path folder, Set<String> weights) {
        boolean model = Files.exists(folder.resolve(CheckpointHeaders.CONFIG))
                && (weights.contains(CheckpointHeaders.SINGLE_FILE)
                        || Files.exists(folder.resolve(ShardIndex.FILE_NAME)));
        return !model && Files.exists(folder.resolve(CONFIG));
    }

    /** Says what it is, and what a model can be made of. */
    static CheckpointException refusal(Path folder) {
        ConfigTree config = ConfigTree.read(folder.resolve(CONFIG));
        return new CheckpointException("%s is an adapter (%s for %s) and no whole model: %s; %s".formatted(folder,
                config.optionalString("peft_type").orElse("of unknown kind"),
                config.optionalString("base_model_name_or_path").filter(name -> !name.isEmpty())
                        .orElse("a model that it does not name"),
                "it has " + CONFIG + " and only changes to that model's weights", advice()));
    }

    /** What to do with one. */
    public static String advice() {
        return "merge it into that model first (peft: merge_and_unload, then save_pretrained), and give the merged model";
    }
}
