# Bytecode beside a layer's modules, where the runtime's Python is at hand. Lambda's code folders
# are read-only: without it, every cold start compiles all that it imports.
# unchecked-hash: layers change the modules' times, and Python compares those otherwise.
define compile-layer
@for one in $(PYTHON) python$(PYTHON_VERSION); do \
	if "$$one" -c 'import sys; sys.exit("%d.%d" % sys.version_info[:2] != "$(PYTHON_VERSION)")' 2>/dev/null; then \
		exec "$$one" -m compileall -q -j 0 --invalidation-mode unchecked-hash \
			-s "$(ARTIFACTS_DIR)" -p /opt "$(ARTIFACTS_DIR)/python"; \
	fi; \
done; \
echo "NO BYTECODE: there is no python$(PYTHON_VERSION) here; cold starts of this layer will take longer" >&2
endef
