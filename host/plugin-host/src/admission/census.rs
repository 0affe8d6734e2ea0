//! Counts the contents of a component while it is parsed.

use wasmparser::{FunctionBody, Payload};

use super::measure::{ComponentLimits, Measure};
use super::too_large;
use crate::limits::{MEMORIES, TABLE_ELEMENTS, TABLES};

/// The counts so far.
pub(super) struct Census<'a> {
    limits: &'a ComponentLimits,
    seen: [u64; Measure::ALL.len()],
    depth: u64,
    memories: u64,
    tables: u64,
    /// Bytes left for the initial sizes of memories.
    memory_bytes_left: u64,
}

impl<'a> Census<'a> {
    pub(super) fn new(limits: &'a ComponentLimits, memory_bytes: u64) -> Self {
        let seen = [0; Measure::ALL.len()];
        Self { limits, seen, depth: 0, memories: 0, tables: 0, memory_bytes_left: memory_bytes }
    }

    /// How many modules and components enclose the position: 1 in the outermost.
    pub(super) fn depth(&self) -> u64 {
        self.depth
    }

    /// Counts the file itself.
    pub(super) fn whole_file(&mut self, bytes: u64) -> Result<(), String> {
        let most = self.limits.of(Measure::Bytes);
        if bytes > most { Err(too_large(bytes, most)) } else { Ok(()) }
    }

    /// Counts one part. A count that a section states is taken at face value: a
    /// compiler may reserve memory for it.
    ///
    /// # Errors
    ///
    /// The first limit that is exceeded.
    pub(super) fn take(&mut self, payload: &Payload<'_>) -> Result<(), String> {
        match payload {
            Payload::Version { encoding, .. } => {
                self.depth += 1;
                self.peak(Measure::Nesting, self.depth)?;
                let kind = match encoding {
                    wasmparser::Encoding::Module => Measure::Modules,
                    wasmparser::Encoding::Component => Measure::Components,
                };
                return self.add(kind, 1);
            }
            Payload::End(_) => {
                self.depth = self.depth.saturating_sub(1);
                return Ok(());
            }
            Payload::CodeSectionEntry(body) => return self.function(body),
            _ => {}
        }
        self.add(Measure::Sections, 1)?;
        match payload {
            Payload::FunctionSection(section) => self.add(Measure::Functions, section.count().into())?,
            Payload::CodeSectionStart { count, size, .. } => {
                // Equals the count of the function section in a valid module.
                self.peak(Measure::Functions, (*count).into())?;
                return self.add(Measure::CodeBytes, (*size).into());
            }
            Payload::DataSection(section) => return self.add(Measure::DataSegments, section.count().into()),
            Payload::DataCountSection { count, .. } => return self.peak(Measure::DataSegments, (*count).into()),
            Payload::MemorySection(section) => self.memories(section)?,
            Payload::TableSection(section) => self.tables(section)?,
            Payload::CustomSection(section) => return self.add(Measure::CustomBytes, length(&section.range())),
            Payload::UnknownSection { id, .. } => {
                return Err(format!("it has a section of the kind {id}, which is not known"));
            }
            _ => {}
        }
        self.described(payload)
    }

    /// Counts types, imports and the like by their size.
    fn described(&mut self, payload: &Payload<'_>) -> Result<(), String> {
        use Measure::{DeclarationBytes, DefinitionBytes};
        let (measure, range) = match payload {
            Payload::TypeSection(section) => (DeclarationBytes, section.range()),
            Payload::ImportSection(section) => (DeclarationBytes, section.range()),
            Payload::FunctionSection(section) => (DeclarationBytes, section.range()),
            Payload::TableSection(section) => (DeclarationBytes, section.range()),
            Payload::MemorySection(section) => (DeclarationBytes, section.range()),
            Payload::TagSection(section) => (DeclarationBytes, section.range()),
            Payload::GlobalSection(section) => (DeclarationBytes, section.range()),
            Payload::ExportSection(section) => (DeclarationBytes, section.range()),
            Payload::ElementSection(section) => (DeclarationBytes, section.range()),
            Payload::InstanceSection(section) => (DefinitionBytes, section.range()),
            Payload::CoreTypeSection(section) => (DefinitionBytes, section.range()),
            Payload::ComponentInstanceSection(section) => (DefinitionBytes, section.range()),
            Payload::ComponentAliasSection(section) => (DefinitionBytes, section.range()),
            Payload::ComponentTypeSection(section) => (DefinitionBytes, section.range()),
            Payload::ComponentCanonicalSection(section) => (DefinitionBytes, section.range()),
            Payload::ComponentImportSection(section) => (DefinitionBytes, section.range()),
            Payload::ComponentExportSection(section) => (DefinitionBytes, section.range()),
            Payload::ComponentStartSection { range, .. } => (DefinitionBytes, range.clone()),
            _ => return Ok(()),
        };
        self.add(measure, length(&range))
    }

    fn function(&mut self, body: &FunctionBody<'_>) -> Result<(), String> {
        self.peak(Measure::FunctionBytes, length(&body.range()))?;
        let cut_off = |_| "it is not a whole component: a function's local variables are cut off".to_owned();
        let mut locals = 0_u64;
        for group in body.get_locals_reader().map_err(cut_off)? {
            let (count, _) = group.map_err(cut_off)?;
            locals = locals.saturating_add(count.into());
            self.peak(Measure::Locals, locals)?;
        }
        Ok(())
    }

    /// Applies the sandbox's limits: a component beyond them could be compiled but
    /// never run.
    fn memories(&mut self, section: &wasmparser::MemorySectionReader<'_>) -> Result<(), String> {
        self.memories = self.memories.saturating_add(section.count().into());
        if self.memories > u64::from(MEMORIES) {
            return Err(format!("it has {} memories; a sandbox has room for {MEMORIES}", self.memories));
        }
        for memory in section.clone() {
            let memory = memory.map_err(|_| "it is not a whole component: its memories are cut off".to_owned())?;
            let page_bytes = 1_u64.checked_shl(memory.page_size_log2.unwrap_or(16)).unwrap_or(u64::MAX);
            let start_bytes = memory.initial.saturating_mul(page_bytes);
            self.memory_bytes_left = self.memory_bytes_left.checked_sub(start_bytes).ok_or_else(|| {
                format!("its memories start with {start_bytes} bytes and more; a sandbox has less than that")
            })?;
        }
        Ok(())
    }

    fn tables(&mut self, section: &wasmparser::TableSectionReader<'_>) -> Result<(), String> {
        self.tables = self.tables.saturating_add(section.count().into());
        if self.tables > u64::from(TABLES) {
            return Err(format!("it has {} tables; a sandbox has room for {TABLES}", self.tables));
        }
        for table in section.clone() {
            let table = table.map_err(|_| "it is not a whole component: its tables are cut off".to_owned())?;
            if table.ty.initial > TABLE_ELEMENTS as u64 {
                return Err(format!(
                    "it has a table of {} elements; a sandbox has room for {TABLE_ELEMENTS}",
                    table.ty.initial
                ));
            }
        }
        Ok(())
    }

    fn add(&mut self, measure: Measure, more: u64) -> Result<(), String> {
        let seen = self.seen[measure as usize].saturating_add(more);
        self.peak(measure, seen)
    }

    fn peak(&mut self, measure: Measure, seen: u64) -> Result<(), String> {
        let highest = seen.max(self.seen[measure as usize]);
        self.seen[measure as usize] = highest;
        let most = self.limits.of(measure);
        if highest <= most {
            return Ok(());
        }
        Err(format!(
            "it has at least {highest} {}; a plugin may have at most {most} ({})",
            measure.noun(),
            measure.key()
        ))
    }
}

fn length(range: &std::ops::Range<usize>) -> u64 {
    range.len() as u64
}
