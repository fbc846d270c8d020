package dev.come.model;

import dev.come.checkpoint.CheckpointHeaders;
import dev.come.checkpoint.TensorInfo;
import java.util.List;
import java.util.regex.Pattern;

/** What the tensors of a model tell besides its config.json. */
final class StoredModel {
    /** Classes of transformers with an output projection; without it their files are damaged. */
    private static final Pattern GIVES_LOGITS = Pattern
            .compile(".*(?:ForCausalLM|LMHeadModel|ForConditionalGeneration)");

    private StoredModel() {
    }

    /**
     * A configuration with the output projection that is stored: another tensor than the embedding though config.json says that they
     * are tied, or none in a model that only gives states.
     */
    static ModelConfig asStored(ModelConfig said, CheckpointHeaders headers) {
        Family.Names names = said.family().names();
        boolean another = said.storesTiedHead(headers) && headers.contains(names.embedding())
                && !alike(headers.info(names.head()), headers.info(names.embedding()));
        boolean none = !said.tiedEmbeddings() && !headers.contains(names.head())
                && headers.wholeConfig().optionalStrings("architectures").orElse(List.of()).stream()
                        .noneMatch(name -> GIVES_LOGITS.matcher(name).matches());
        return another || none ? said.with(false, !none) : said;
    }

    /** Every layer has tensors, so that more layers than tensors need not be looked for one by one. */
    static void requireLayers(CheckpointHeaders headers) {
        Family family = Family.of(headers.config());
        int layers = family.integer(headers.config(), "num_hidden_layers");
        int tensors = headers.tensors().size();
        if (layers > tensors) {
            throw ModelConfig.invalid(headers.config(),
                    "%s is %s, but the weights have %s tensors, less than one for each layer"
                            .formatted(family.key("num_hidden_layers"), layers, tensors));
        }
    }

    private static boolean alike(TensorInfo first, TensorInfo second) {
        return first.dtype() == second.dtype() && first.shape().equals(second.shape());
    }
}
